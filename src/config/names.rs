//! Naming conventions: `FORM_CONTACT_US` is the form `contact-us`.

/// The prefix of a form's var.
pub const FORM: &str = "FORM_";

/// The prefix of a destination's var.
pub const DESTINATION: &str = "DESTINATION_";

/// The vars that put the operator API behind Cloudflare Access: the team, and the application's audience tag.
pub const ACCESS: [&str; 2] = ["ACCESS_TEAM", "ACCESS_AUD"];

/// `FORM_CONTACT_US` -> `contact-us`, given the prefix `FORM_`. `None` when the var has another prefix, or anything but
/// `A-Z 0-9 _` after it.
pub fn name_of_var(var: &str, prefix: &str) -> Option<String> {
    let rest = var.strip_prefix(prefix)?;
    let is_valid = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    is_valid.then(|| rest.to_ascii_lowercase().replace('_', "-"))
}

/// `contact-us` -> `FORM_CONTACT_US`, given the prefix `FORM_`.
pub fn var_of_name(name: &str, prefix: &str) -> String {
    format!("{prefix}{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// Whether a var of this name is, or is meant to be, a form or a destination.
pub fn is_ours(var: &str) -> bool {
    [FORM, DESTINATION].iter().any(|prefix| var.to_ascii_uppercase().starts_with(prefix))
}

/// What is wrong with the name of a var that [`is_ours`] and that would not be read.
pub fn misspelt(var: &str) -> Option<String> {
    let is_read = |var: &str| [FORM, DESTINATION].into_iter().any(|prefix| name_of_var(var, prefix).is_some());
    if !is_ours(var) || is_read(var) {
        return None;
    }
    let meant = var.to_ascii_uppercase().replace('-', "_");
    Some(if is_read(&meant) {
        format!("is not read; did you mean {meant}?")
    } else {
        "is not read; a name has only A-Z, 0-9 and _, as in FORM_CONTACT".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_var_names_its_form() {
        for (var, name) in [
            ("FORM_CONTACT_US", Some("contact-us")),
            ("FORM_2", Some("2")),
            ("FORM_", None),
            ("FORM_Contact", None),
            ("FORM_CONTACT-US", None),
            ("DESTINATION_X", None),
        ] {
            assert_eq!(name_of_var(var, FORM).as_deref(), name, "{var}");
        }
        assert_eq!(var_of_name("contact-us", FORM), "FORM_CONTACT_US");
    }
}
