//! "Already there" in a vendor's words, for the CRMs that have no code of their own for it.
//!
//! It makes a delivery count as through, so it is narrow: a refusal that only sounds like it ("the domain of this email does
//! not exist") taken for it would lose a lead; one that is missed waits for a person.

/// Whether a vendor's words say that the record is there already.
pub fn says_already_there(text: &str) -> bool {
    const PHRASES: &[&str] = &[
        "already exist",
        "already in use",
        "already used",
        "already taken",
        "already registered",
        "already added",
        "already been taken",
        "already been used",
        "already been registered",
        "is already a ",
        "is taken",
        "email exists",
        "must be unique",
        "not unique",
        "duplicate",
    ];
    // Messages repeat the address, and what stands in it is the visitor's word.
    let words: Vec<_> = text.split_whitespace().filter(|word| !word.contains('@')).collect();
    let text = words.join(" ").to_lowercase();
    PHRASES.iter().any(|phrase| text.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_so_and_what_only_sounds_like_it() {
        let says = [
            "Lead already exists",
            "A lead with this email exists",
            "Email ada@example.com has already been taken.",
            "must be unique",
            "Duplicate emails: ada@example.com",
        ];
        let does_not = [
            "",
            "The domain of this email does not exist",
            "You have already reached your limit of clients",
            "This email has already bounced",
            "A unique email address is required",
            "'duplicate@example.com' is not a valid email",
        ];
        for (texts, expected) in [(&says[..], true), (&does_not[..], false)] {
            for text in texts {
                assert_eq!(says_already_there(text), expected, "{text}");
            }
        }
    }
}
