//! Names: a whole name into given and family name, for the CRMs that want them apart, and two parts into one name.
//!
//! A split is a guess, so the whole name is never replaced by it: [`LeadField::Name`](crate::config::LeadField::Name)
//! keeps what the visitor wrote, honorific and all. The script decides the rule: names in Hangul or Han characters
//! begin with the family name, all others end with it. A romanised Korean name (`Hong Gil-dong`) cannot be told from
//! an English one and is split as one.

/// A name in two parts, neither ever empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameParts {
    /// Given name.
    pub first: String,
    /// Family name.
    pub last: String,
}

/// Korean family names of two syllables.
const LONG_FAMILY_NAMES: &[&str] =
    &["남궁", "황보", "제갈", "사공", "선우", "서문", "독고", "동방", "망절", "어금", "소봉", "장곡"];

/// Chinese family names of two characters, in either script.
const LONG_HAN_FAMILY_NAMES: &[&str] = &[
    "歐陽", "欧阳", "司馬", "司马", "諸葛", "诸葛", "上官", "皇甫", "令狐", "慕容", "東方", "东方", "南宮", "南宫",
    "鮮于", "獨孤", "司空", "西門", "夏侯", "尉遲", "尉迟", "公孫", "公孙",
];

/// What Koreans put after a name to be polite, alone or before `님`.
const KOREAN_TITLES: &[&str] = &[
    "님",
    "씨",
    "대표",
    "대표이사",
    "사장",
    "회장",
    "이사",
    "상무",
    "전무",
    "부장",
    "차장",
    "과장",
    "대리",
    "주임",
    "사원",
    "팀장",
    "실장",
    "본부장",
    "원장",
    "소장",
    "센터장",
    "매니저",
    "교수",
    "선생",
    "박사",
];

const HONORIFICS: &[&str] = &["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "madam", "rev"];

const SUFFIXES: &[&str] = &["jr", "sr", "ii", "iii", "iv", "phd", "md", "esq", "mba", "cpa"];

const PARTICLES: &[&str] = &[
    "van", "von", "der", "den", "vande", "vander", "de", "del", "della", "di", "da", "do", "dos", "das", "du", "la",
    "le", "ter", "ten", "zu", "af", "av", "al", "el", "bin", "bint", "ibn", "abu",
];

impl NameParts {
    /// What stands for a part that is not known: the CRMs that want both parts refuse an empty one.
    pub const UNKNOWN: &str = "-";

    fn new(first: &str, last: &str) -> Self {
        let or_unknown = |part: &str| if part.is_empty() { Self::UNKNOWN.to_owned() } else { part.to_owned() };
        Self { first: or_unknown(first), last: or_unknown(last) }
    }

    /// The parts of a person of whom some of these are known.
    pub fn from_known(first: Option<&str>, last: Option<&str>, name: Option<&str>) -> Self {
        // The name says something about a missing part only when it is more than the part that is known: a name that
        // was put together from a given name alone (`Mary Ann`) holds no family name.
        let split = match name {
            Some(name) if first.or(last) != Some(name) => split(name),
            _ => Self::new("", ""),
        };
        match (first, last) {
            (Some(first), Some(last)) => Self::new(first, last),
            (Some(first), None) => Self::new(first, if split.last == first { &split.first } else { &split.last }),
            (None, Some(last)) => Self::new(if split.first == last { &split.last } else { &split.first }, last),
            (None, None) => split,
        }
    }
}

/// A name made of its parts: family name first and no space between when both are in Hangul or both in Han characters.
pub fn join(first: &str, last: &str) -> String {
    let both = |script: fn(char) -> bool| is_all(first, script) && is_all(last, script);
    if both(is_hangul) || both(is_han) { format!("{last}{first}") } else { format!("{first} {last}") }
}

/// A whole name split into its parts.
pub fn split(name: &str) -> NameParts {
    let words: Vec<&str> = name.split_whitespace().collect();
    let letters = words.concat();
    if is_all(&letters, is_hangul) {
        split_korean(words)
    } else if is_all(&letters, |c| is_han(c) || is_hiragana(c)) {
        split_han(&words)
    } else {
        split_western(name)
    }
}

fn split_korean(mut words: Vec<&str>) -> NameParts {
    let titled = drop_korean_titles(&mut words);
    match words.as_slice() {
        // `김 대표님` is a family name, `길` alone may be either.
        [word] if titled && count(word) == 1 => NameParts::new("", word),
        [word] => {
            let family = if count(word) > 2 && LONG_FAMILY_NAMES.iter().any(|f| word.starts_with(f)) { 2 } else { 1 };
            // Longer than any Korean name: a foreign one in Hangul, or a nickname.
            let whole = count(word) == 1 || count(word) > family + 3;
            if whole { NameParts::new(word, "") } else { family_first(word, family) }
        }
        [family, given @ ..] if count(family) == 1 || LONG_FAMILY_NAMES.contains(family) => {
            let syllables = given.iter().all(|word| count(word) == 1);
            NameParts::new(&given.join(if syllables { "" } else { " " }), family)
        }
        // `길동 홍`, and foreign names written in Hangul (`마이클 조던`): the family name is at the end.
        [given @ .., family] => NameParts::new(&given.join(" "), family),
        [] => NameParts::new("", ""),
    }
}

/// Drops what is no name at the end (`홍길동 부장님`, `홍길동님`, `김씨`); says whether there was anything.
fn drop_korean_titles(words: &mut Vec<&str>) -> bool {
    let mut dropped = false;
    while words.len() > 1
        && words.last().is_some_and(|word| {
            KOREAN_TITLES.contains(word) || KOREAN_TITLES.contains(&word.strip_suffix('님').unwrap_or(word))
        })
    {
        words.pop();
        dropped = true;
    }
    let Some(word) = words.last_mut() else { return dropped };
    let Some(rest) = word.strip_suffix(['님', '씨']).filter(|rest| !rest.is_empty()) else { return dropped };
    // A title that is written together is only taken for one when `님` follows: `박대리` may be a name.
    let title = KOREAN_TITLES.iter().filter(|title| word.ends_with('님') && rest.len() > title.len());
    *word = title.filter_map(|title| rest.strip_suffix(title)).min_by_key(|name| name.len()).unwrap_or(rest);
    true
}

/// Chinese, Japanese and Korean names in Han characters. Without a space the border is a guess: two characters of
/// four (`田中太郎`, `諸葛孔明`), one of two or three (`王小明`), which is wrong for a Japanese name of three.
fn split_han(words: &[&str]) -> NameParts {
    match words {
        [word] => {
            let known = LONG_HAN_FAMILY_NAMES.iter().any(|family| count(word) > 2 && word.starts_with(family));
            match count(word) {
                4 => family_first(word, 2),
                2 | 3 => family_first(word, if known { 2 } else { 1 }),
                _ => NameParts::new(word, ""),
            }
        }
        [family, given @ ..] => NameParts::new(&given.join(" "), family),
        [] => NameParts::new("", ""),
    }
}

fn split_western(name: &str) -> NameParts {
    let mut name = name.to_owned();
    if let Some((before, after)) = name.split_once([',', '，']) {
        let after_words: Vec<&str> = after.split_whitespace().collect();
        if after_words.iter().all(|word| is_one_of(SUFFIXES, word)) {
            name = format!("{before} {after}"); // `John Smith, Jr.`
        } else if !before.trim().is_empty() {
            let given = &after_words[leading_honorifics(&after_words)..];
            return NameParts::new(&given.join(" "), &before.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    let words: Vec<&str> = name.split_whitespace().collect();
    let honorifics = leading_honorifics(&words);
    let words = &words[honorifics..];
    let mut suffixes_from = words.len();
    while suffixes_from > 1 && is_one_of(SUFFIXES, words[suffixes_from - 1]) {
        suffixes_from -= 1;
    }
    if let [word] = words {
        // `Mr. Smith` is a family name, `Smith` alone may be either.
        return if honorifics > 0 { NameParts::new("", word) } else { NameParts::new(word, "") };
    }
    let mut family_from = suffixes_from.saturating_sub(1);
    // A particle at the very beginning is one only in lower case: `van Gogh`, but `Van Morrison`.
    while family_from > 0
        && is_one_of(PARTICLES, words[family_from - 1])
        && (family_from > 1 || words[0].starts_with(char::is_lowercase))
    {
        family_from -= 1;
    }
    NameParts::new(&words[..family_from].join(" "), &words[family_from..].join(" "))
}

/// How many of the first words are honorifics; the last word is always a name.
fn leading_honorifics(words: &[&str]) -> usize {
    let names = words.len().saturating_sub(1);
    words[..names].iter().take_while(|word| is_one_of(HONORIFICS, word)).count()
}

/// Whether a word is in the list, whatever its case and its dots (`Ph.D.`).
fn is_one_of(list: &[&str], word: &str) -> bool {
    let bare = word.replace('.', "").trim_end_matches(',').to_lowercase();
    list.contains(&bare.as_str())
}

fn family_first(word: &str, family: usize) -> NameParts {
    let border = word.char_indices().nth(family).map_or(word.len(), |(at, _)| at);
    NameParts::new(&word[border..], &word[..border])
}

fn count(word: &str) -> usize {
    word.chars().count()
}

fn is_all(text: &str, script: fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(script)
}

fn is_hangul(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{3134F}' | '々')
}

fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(first: &str, last: &str) -> NameParts {
        NameParts { first: first.into(), last: last.into() }
    }

    #[test]
    fn whole_names_are_split() {
        for (name, first, last) in [
            ("John Smith", "John", "Smith"),
            ("  John   Smith ", "John", "Smith"),
            ("Mary Ann Evans", "Mary Ann", "Evans"),
            ("Madonna", "Madonna", "-"),
            ("Vincent van Gogh", "Vincent", "van Gogh"),
            ("Ludwig von der Leyen", "Ludwig", "von der Leyen"),
            ("Oscar de la Renta", "Oscar", "de la Renta"),
            ("Leonardo Di Caprio", "Leonardo", "Di Caprio"),
            ("Mohamed Al Fayed", "Mohamed", "Al Fayed"),
            ("Osama bin Zayed", "Osama", "bin Zayed"),
            ("Van Morrison", "Van", "Morrison"),
            ("van Gogh", "-", "van Gogh"),
            ("Martin Luther King Jr.", "Martin Luther", "King Jr."),
            ("Henry Ford III", "Henry", "Ford III"),
            ("John Smith, Jr.", "John", "Smith Jr."),
            ("Jane Doe, Ph.D.", "Jane", "Doe Ph.D."),
            ("Mr. John Smith", "John", "Smith"),
            ("Prof. Dr. Ada Lovelace", "Ada", "Lovelace"),
            ("Mr Smith", "-", "Smith"),
            ("Dr", "Dr", "-"),
            ("Smith, John", "John", "Smith"),
            ("van Gogh, Vincent", "Vincent", "van Gogh"),
            ("Smith, Dr. John Paul", "John Paul", "Smith"),
            ("Jean-Luc Picard", "Jean-Luc", "Picard"),
            ("José Ñúñez", "José", "Ñúñez"),
            ("Hong Gil-dong", "Hong", "Gil-dong"),
            (",", "-", "-"),
            ("Smith,", "Smith", "-"),
            ("홍길동", "길동", "홍"),
            ("홍 길동", "길동", "홍"),
            ("홍 길 동", "길동", "홍"),
            ("김철", "철", "김"),
            ("박하늘별", "하늘별", "박"),
            ("남궁민", "민", "남궁"),
            ("남궁민수", "민수", "남궁"),
            ("제갈 공명", "공명", "제갈"),
            ("선우", "우", "선"),
            ("황보관", "관", "황보"),
            ("길동 홍", "길동", "홍"),
            ("마이클 조던", "마이클", "조던"),
            ("길", "길", "-"),
            ("홍길동님", "길동", "홍"),
            ("홍길동 님", "길동", "홍"),
            ("홍길동씨", "길동", "홍"),
            ("홍길동 부장님", "길동", "홍"),
            ("박대리씨", "대리", "박"),
            ("홍길동대표이사님", "길동", "홍"),
            ("김 대표님", "-", "김"),
            ("김씨", "-", "김"),
            ("씨", "씨", "-"),
            ("행복한고양이", "행복한고양이", "-"),
            ("王小明", "小明", "王"),
            ("李娜", "娜", "李"),
            ("諸葛孔明", "孔明", "諸葛"),
            ("欧阳娜", "娜", "欧阳"),
            ("欧阳", "阳", "欧"),
            ("田中太郎", "太郎", "田中"),
            ("田中 さくら", "さくら", "田中"),
            ("", "-", "-"),
        ] {
            assert_eq!(split(name), parts(first, last), "{name}");
        }
    }

    #[test]
    fn what_is_known_goes_before_what_is_split() {
        for (first, last, name, expected) in [
            (Some("Ada"), Some("Lovelace"), Some("Somebody Else"), parts("Ada", "Lovelace")),
            (None, None, Some("Ada Lovelace"), parts("Ada", "Lovelace")),
            (Some("Ada"), None, Some("Ada Lovelace"), parts("Ada", "Lovelace")),
            (None, Some("Lovelace"), Some("Ada Lovelace"), parts("Ada", "Lovelace")),
            (Some("Gil-dong"), None, Some("Hong Gil-dong"), parts("Gil-dong", "Hong")),
            (None, Some("Hong"), Some("Hong Gil-dong"), parts("Gil-dong", "Hong")),
            (Some("Mary Ann"), None, Some("Mary Ann"), parts("Mary Ann", "-")),
            (None, Some("Evans"), None, parts("-", "Evans")),
            (Some("Ada"), None, None, parts("Ada", "-")),
            (None, None, None, parts("-", "-")),
        ] {
            assert_eq!(NameParts::from_known(first, last, name), expected, "{first:?} {last:?} {name:?}");
        }
    }

    #[test]
    fn parts_make_a_name() {
        assert_eq!(join("Ada", "Lovelace"), "Ada Lovelace");
        assert_eq!(join("길동", "홍"), "홍길동");
        assert_eq!(join("小明", "王"), "王小明");
        assert_eq!(join("길동", "Hong"), "길동 Hong");
    }
}
