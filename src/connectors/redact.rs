//! Takes a secret out of what a vendor says, however it is spelled: vendors' words are stored and shown, and some vendors
//! repeat the key that they reject.

use crate::domain::sorted::Set;

/// The fewest characters of a secret. A shorter text would take the meaning out of the message.
const SHORTEST: usize = 8;

/// How many levels of escaping are seen through.
const LEVELS: usize = 8;

/// `body` without `secret`, which is recognized in any case and escaped for JSON, a URL or HTML, once or several times.
pub fn redact(body: String, secret: &str) -> String {
    let secret: Vec<char> = secret.trim().chars().map(lower).collect();
    if secret.len() < SHORTEST {
        return body;
    }
    let (mut redacted, mut rest) = (String::with_capacity(body.len()), body.as_str());
    // A spelling begins with the secret's first character or with an escape: most text is neither.
    let may_begin = |c: char| lower(c) == secret[0] || matches!(c, '\\' | '%' | '&');
    while let Some(first) = rest.chars().next() {
        if let Some(length) = may_begin(first).then(|| spelled(rest, &secret)).flatten() {
            redacted.push_str("(secret)");
            rest = &rest[length..];
        } else {
            redacted.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    redacted
}

/// The length of `secret` at the beginning of `text`, in whatever spelling.
fn spelled(text: &str, secret: &[char]) -> Option<usize> {
    let (first, others) = secret.split_first()?;
    let ends = |from: usize, wanted: char| {
        let found = spellings(&text[from..]).filter(move |(c, _)| *c == wanted);
        found.map(move |(_, length)| from + length)
    };
    // An escape can be read in two ways (`%25` is a percent sign and the beginning of `%252B`).
    let mut reached: Set<usize> = ends(0, *first).collect();
    for wanted in others {
        reached = reached.into_iter().flat_map(|from| ends(from, *wanted)).collect();
    }
    reached.iter().last().copied()
}

/// The characters that the beginning of `text` can spell, in lower case, each with the length of its spelling: as it is, and
/// escaped for JSON (`\u002b`, `\x2b`, `\/`), a URL (`%2B`) or HTML (`&#43;`, `&#x2b;`, `&plus;`), each on several levels.
fn spellings(text: &str) -> impl Iterator<Item = (char, usize)> {
    let plain = text.chars().next().map(|c| (lower(c), c.len_utf8()));
    let level = match plain {
        Some(('\\', _)) => "\\",
        Some(('%', _)) => "25",
        Some(('&', _)) => "amp;",
        _ => "",
    };
    let repeated = if level.is_empty() {
        0
    } else {
        (0..LEVELS).take_while(|n| text[1 + n * level.len()..].starts_with(level)).count()
    };
    let start = 1 + repeated * level.len();
    let escape = plain.filter(|_| !level.is_empty());
    let itself = escape.map(|(c, _)| (c, start));
    let other = escape.and_then(|(c, _)| {
        let rest = &text[start..];
        let (decoded, length) = match c {
            '\\' => backslash(rest)?,
            '%' => (code(rest.get(..2)?, 16)?, 2),
            _ => entity(rest)?,
        };
        Some((decoded, start + length))
    });
    [plain, itself, other].into_iter().flatten()
}

fn backslash(rest: &str) -> Option<(char, usize)> {
    let next = rest.chars().next()?;
    let digits = match next {
        'u' | 'U' => rest.get(1..5),
        'x' | 'X' => rest.get(1..3),
        _ => None,
    };
    let decoded = digits.and_then(|digits| Some((code(digits, 16)?, 1 + digits.len())));
    Some(decoded.unwrap_or((lower(next), next.len_utf8())))
}

fn entity(rest: &str) -> Option<(char, usize)> {
    const NAMED: &[(&str, char)] = &[
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("plus", '+'),
        ("sol", '/'),
        ("equals", '='),
        ("dollar", '$'),
    ];
    let length = rest.bytes().take(8).position(|byte| byte == b';')?;
    let name = rest.get(..length)?;
    let decoded = match (name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")), name.strip_prefix('#')) {
        (Some(hex), _) => code(hex, 16)?,
        (_, Some(decimal)) => code(decimal, 10)?,
        _ => NAMED.iter().find(|(word, _)| *word == name)?.1,
    };
    Some((decoded, length + 1))
}

fn code(digits: &str, radix: u32) -> Option<char> {
    char::from_u32(u32::from_str_radix(digits, radix).ok()?).map(lower)
}

fn lower(c: char) -> char {
    c.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_redacted_in_every_spelling() {
        for (secret, body, expected) in [
            ("key-12345", "key-12345 is not key-12345", "(secret) is not (secret)"),
            (" key-12345\n", "no key-12345", "no (secret)"),
            ("ab\"cd/efgh", r#"{"said":"ab\"cd/efgh"}"#, r#"{"said":"(secret)"}"#),
            ("ab\"cd/efgh", r#"{"said":"ab\"cd\/efgh"}"#, r#"{"said":"(secret)"}"#),
            ("a+b/c=$1&%\\d", r#""A+B/C=$1&%\\D" no"#, r#""(secret)" no"#),
            ("a+b/c=$1&%\\d", "no a%2Bb%2fc%3D%241%26%25%5Cd", "no (secret)"),
            ("a+b/c=$1&%\\d", "no a%252Bb%25252fc=$1%2526%2525%5Cd.", "no (secret)."),
            ("a+b/c=$1&%\\d", r"a\u002bb\\u002Fc\x3d\u00241\u0026\u0025\u005cd", "(secret)"),
            ("a+b/c=$1&%\\d", "a&#43;b&#x2F;c&equals;&dollar;1&amp;%\\d", "(secret)"),
            ("a+b/c=$1&%\\d", "a&amp;plus;b&sol;c=$1&amp;amp;%\\D", "(secret)"),
            ("key-12345", "Key: KEY-12345; key-1234", "Key: (secret); key-1234"),
            ("success", r#"{"success":true}"#, r#"{"success":true}"#),
            ("", "as it was", "as it was"),
        ] {
            assert_eq!(redact(body.to_owned(), secret), expected, "{secret}");
        }
    }
}
