//! Personal names: a full name split into given and family name, for vendors that want both, and two parts joined.
//!
//! A split is a guess, so it never replaces the full name that the visitor wrote. The script decides: names in Hangul or
//! Han characters, kana included, begin with the family name, all others end with it. A romanised Korean name (`Hong Gil-dong`) is split
//! like an English one.

/// A name in two parts, neither ever empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameParts {
    /// Given name.
    pub first: String,
    /// Family name.
    pub last: String,
}

/// Korean and Chinese family names of two characters.
const LONG_FAMILY_NAMES: &str = "남궁 황보 제갈 사공 선우 서문 독고 동방 歐陽 欧阳 司馬 司马 諸葛 诸葛 上官 皇甫 東方 东方 南宮 南宫 \
                                 鮮于 獨孤 司空 西門 令狐 慕容 夏侯 尉遲 尉迟 公孫 公孙";

/// Titles that Koreans put after a name, alone or before `님`.
const KOREAN_TITLES: &str = "대표 대표이사 사장 회장 이사 상무 전무 부장 차장 과장 대리 주임 사원 팀장 실장 본부장 원장 소장 센터장 \
                             매니저 교수 선생 박사";

const HONORIFICS: &str = "mr mrs ms miss mx dr prof professor sir madam rev";

const SUFFIXES: &str = "jr sr ii iii iv phd md esq mba cpa";

const PARTICLES: &str =
    "van von der den de del della di da do dos das du la le ter ten zu af av al el bin bint ibn abu";

impl NameParts {
    /// Replaces an unknown part: the vendors that want both parts refuse an empty one.
    pub const UNKNOWN: &str = "-";

    fn new(first: &str, last: &str) -> Self {
        let or_unknown = |part: &str| if part.is_empty() { Self::UNKNOWN.to_owned() } else { part.to_owned() };
        Self { first: or_unknown(first), last: or_unknown(last) }
    }

    /// The parts of a person's name from the parts and the full name that are known.
    pub fn from_known(first: Option<&str>, last: Option<&str>, name: Option<&str>) -> Self {
        // A full name adds a missing part only when it is more than the known part: `Mary Ann`, taken from the given name
        // alone, holds no family name.
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

/// The full name made from its parts: family name first and unspaced when both are in Hangul or both in Han characters.
pub fn join(first: &str, last: &str) -> String {
    let both = |script: fn(char) -> bool| is_all(first, script) && is_all(last, script);
    if both(is_hangul) || both(is_han) { format!("{last}{first}") } else { format!("{first} {last}") }
}

/// Splits a full name into its parts.
pub fn split(name: &str) -> NameParts {
    let words: Vec<&str> = name.split_whitespace().collect();
    let letters = words.concat();
    if is_all(&letters, is_hangul) {
        let name = words.join(" ");
        let bare = without_korean_titles(&name);
        let words: Vec<&str> = bare.split(' ').collect();
        // `김 대표님` is a family name, `길` alone may be either.
        if bare.len() < name.len() && bare.chars().count() == 1 {
            return NameParts::new("", bare);
        }
        let is_family = |word: &str| word.chars().count() == 1 || is_listed(LONG_FAMILY_NAMES, word);
        match words.as_slice() {
            // `길동 홍`, and foreign names written in Hangul (`마이클 조던`).
            [given @ .., family] if !given.is_empty() && !is_family(words[0]) => {
                NameParts::new(&given.join(" "), family)
            }
            _ => split_family_first(&words, 1, 3),
        }
    } else if is_all(&letters, |c| is_han(c) || is_kana(c)) && !is_all(&letters, is_katakana) {
        let han = letters.chars().take_while(|c| is_han(*c)).count();
        let is_given_in_kana = han > 0 && is_all(&letters.chars().skip(han).collect::<String>(), is_kana);
        match letters.chars().count() {
            // `佐藤エリカ`
            _ if is_given_in_kana => split_family_first(&words, han, 5),
            // Of four characters the first two are the family name (`田中太郎`), of fewer the first one (`王小明`). This is wrong
            // for a Japanese name of three.
            4 => split_family_first(&words, 2, 2),
            _ => split_family_first(&words, 1, 2),
        }
    } else {
        split_western(name)
    }
}

/// `홍길동`, `홍 길동`. A single word whose given name would be longer than `longest` is foreign or a nickname and stays whole.
fn split_family_first(words: &[&str], family: usize, longest: usize) -> NameParts {
    match words {
        [word] => {
            let length = word.chars().count();
            let is_long = length > 2 && LONG_FAMILY_NAMES.split(' ').any(|family| word.starts_with(family));
            let family = if is_long { 2 } else { family };
            if length <= family || length > family + longest {
                return NameParts::new(word, "");
            }
            let border = word.char_indices().nth(family).map_or(word.len(), |(at, _)| at);
            NameParts::new(&word[border..], &word[..border])
        }
        [family, given @ ..] => {
            let are_syllables = given.iter().all(|word| word.chars().count() == 1);
            NameParts::new(&given.join(if are_syllables { "" } else { " " }), family)
        }
        [] => NameParts::new("", ""),
    }
}

/// The name without a title: `홍길동 부장님`, `홍길동님`, `김씨`.
fn without_korean_titles(name: &str) -> &str {
    let rest = name.strip_suffix(['님', '씨']).map(str::trim_end).filter(|rest| !rest.is_empty()).unwrap_or(name);
    // A title joined to the name counts only before `님`: `박대리` may be a name.
    let border = if name.ends_with('님') { "" } else { " " };
    let bare = KOREAN_TITLES.split(' ').filter_map(|title| rest.strip_suffix(title));
    let bare = bare.filter(|bare| bare.ends_with(border)).map(str::trim_end).filter(|bare| !bare.is_empty());
    bare.min_by_key(|bare| bare.len()).unwrap_or(rest)
}

fn split_western(name: &str) -> NameParts {
    if let Some((family, given)) = name.split_once([',', '，']) {
        // `Smith, John`, but not `John Smith, Jr.`
        let (family, given) = (words(family), words(given));
        if !family.is_empty() && !given.iter().all(|word| is_listed(SUFFIXES, word)) {
            return NameParts::new(&given[leading_honorifics(&given)..].join(" "), &family.join(" "));
        }
    }
    let all = words(name);
    let honorifics = leading_honorifics(&all);
    let words = &all[honorifics..];
    if let [word] = words {
        // `Mr. Smith` is a family name, `Smith` alone may be either.
        return if honorifics > 0 { NameParts::new("", word) } else { NameParts::new(word, "") };
    }
    let suffixes = words.iter().skip(1).rev().take_while(|word| is_listed(SUFFIXES, word)).count();
    let mut family = words.len().saturating_sub(suffixes + 1);
    // At the very beginning only a particle in lower case is one: `van Gogh`, but `Van Morrison`.
    while family > 0
        && is_listed(PARTICLES, words[family - 1])
        && (family > 1 || words[0].starts_with(char::is_lowercase))
    {
        family -= 1;
    }
    NameParts::new(&words[..family].join(" "), &words[family..].join(" "))
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || c == ',' || c == '，').filter(|word| !word.is_empty()).collect()
}

/// How many honorifics the name begins with; the last word is always a name.
fn leading_honorifics(words: &[&str]) -> usize {
    let names = words.len().saturating_sub(1);
    words[..names].iter().take_while(|word| is_listed(HONORIFICS, word)).count()
}

/// Whether a word is in the list, ignoring case and dots (`Ph.D.`).
fn is_listed(list: &str, word: &str) -> bool {
    let bare = word.replace('.', "").to_lowercase();
    list.split(' ').any(|listed| listed == bare)
}

fn is_all(text: &str, script: fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(script)
}

fn is_hangul(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3134F}' | '々')
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309F}') || is_katakana(c)
}

/// Katakana alone writes foreign names.
fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30A0}'..='\u{30FF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(first: &str, last: &str) -> NameParts {
        NameParts { first: first.into(), last: last.into() }
    }

    #[test]
    fn full_names_are_split() {
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
            ("佐藤 エリカ", "エリカ", "佐藤"),
            ("佐藤エリカ", "エリカ", "佐藤"),
            ("佐々木さくら", "さくら", "佐々木"),
            ("山﨑 太郎", "太郎", "山﨑"),
            ("山ノ内 太郎", "太郎", "山ノ内"),
            ("マイケル ジョーダン", "マイケル", "ジョーダン"),
            ("David 陳", "David", "陳"),
            ("", "-", "-"),
        ] {
            assert_eq!(split(name), parts(first, last), "{name}");
        }
    }

    #[test]
    fn known_parts_win_over_the_split() {
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

    proptest! {
        #[test]
        fn name_parts_are_never_empty(name in "\\PC{0,12}|[홍길동님씨 ]{0,6}|(Mr|Dr|van|Jr|,|\\.| |Ada|王|さ){0,6}") {
            let parts = split(&name);
            prop_assert!(!parts.first.trim().is_empty() && !parts.last.trim().is_empty(), "{parts:?}");
        }
    }
}
