//! Naming conventions: vars to names, names to secrets.

/// The prefix of a form's var.
pub const FORM: &str = "FORM_";

/// The prefix of a destination's var.
pub const DESTINATION: &str = "DESTINATION_";

/// `FORM_CONTACT_US` -> `contact-us`, given the prefix `FORM_`. `None` when the var has another prefix or the rest
/// is empty or has a character outside `A-Z 0-9 _`.
pub fn name_of_var(var: &str, prefix: &str) -> Option<String> {
    let rest = var.strip_prefix(prefix)?;
    let valid = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    valid.then(|| rest.to_ascii_lowercase().replace('_', "-"))
}

/// `contact-us` -> `FORM_CONTACT_US`, given the prefix `FORM_`.
pub fn var_of_name(name: &str, prefix: &str) -> String {
    format!("{prefix}{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// `acme-salesmap`, `TOKEN` -> `ACME_SALESMAP_TOKEN`: the secret that belongs to a destination or a form.
pub fn secret_name(owner: &str, secret: &str) -> String {
    format!("{}_{secret}", var_of_name(owner, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_var_names_its_form_and_a_destination_its_secret() {
        assert_eq!(name_of_var("FORM_CONTACT_US", "FORM_").as_deref(), Some("contact-us"));
        assert_eq!(name_of_var("FORM_", "FORM_"), None);
        assert_eq!(name_of_var("FORM_Contact", "FORM_"), None);
        assert_eq!(name_of_var("DESTINATION_X", "FORM_"), None);
        assert_eq!(var_of_name("contact-us", FORM), "FORM_CONTACT_US");
        assert_eq!(secret_name("acme-salesmap", "TOKEN"), "ACME_SALESMAP_TOKEN");
    }
}
