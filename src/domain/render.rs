//! Fills templates from a Lead.
//!
//! What a variable stands for is decided in [`Lead::variable`]; a variable without a filled value renders as its
//! fallback, which may be empty. `0` and `false` are values, not blanks.

use super::Template;
use super::template::Part;

use super::{Lead, text};

/// The template filled; several values of one field are joined with `, `.
pub fn render(template: &Template, lead: &Lead) -> String {
    let mut filled = String::new();
    for part in &template.parts {
        match part {
            Part::Text(literal) => filled.push_str(literal),
            Part::Variable { name, fallback } => {
                let values = values(lead, name);
                if values.is_empty() {
                    filled.push_str(fallback.as_deref().unwrap_or_default());
                } else {
                    filled.push_str(&values.join(", "));
                }
            }
        }
    }
    filled
}

/// The template filled, as a list: a template that is one variable and nothing else gives every value of that field,
/// any other template gives its one text. No blank values.
pub fn render_values(template: &Template, lead: &Lead) -> Vec<String> {
    if let [Part::Variable { name, .. }] = template.parts.as_slice() {
        let values = values(lead, name);
        if !values.is_empty() {
            return values;
        }
    }
    let filled = render(template, lead).trim().to_owned();
    if filled.is_empty() { Vec::new() } else { vec![filled] }
}

fn values(lead: &Lead, name: &str) -> Vec<String> {
    lead.variable(name).into_iter().map(|value| text::clean(value).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LeadField;
    use crate::lead::tests::lead_of;

    #[test]
    fn texts_values_and_fallbacks() {
        let mut lead = lead_of(&[
            ("name", " Ada Lovelace "),
            ("topic", "a"),
            ("topic", "  "),
            ("topic", "b"),
            ("count", "0"),
            ("sure", "false"),
            ("blank", " \t"),
            ("form", "mine"),
            ("submitted_at", "yesterday"),
            ("bell", "x\u{7}y"),
        ]);
        lead.values.insert(LeadField::Company, "Engines".into());
        for (template, text, values) in [
            ("", "", &[][..]),
            ("plain", "plain", &["plain"]),
            ("{name} ({form})", "Ada Lovelace (contact)", &["Ada Lovelace (contact)"]),
            ("{topic}", "a, b", &["a", "b"]),
            ("{topic}!", "a, b!", &["a, b!"]),
            ("{count}{sure}", "0false", &["0false"]),
            ("{blank|none}", "none", &["none"]),
            ("{blank}", "", &[]),
            ("{nowhere}", "", &[]),
            ("{nowhere|}", "", &[]),
            ("{company|?}", "Engines", &["Engines"]),
            ("{submission_id}", "0192-id", &["0192-id"]),
            ("{submitted_at}", "2024-04-16T07:18:17.516Z", &["2024-04-16T07:18:17.516Z"]),
            ("{bell}", "x\u{FFFD}y", &["x\u{FFFD}y"]),
            ("{{{count}}}", "{0}", &["{0}"]),
        ] {
            let parsed = Template::parse(template).unwrap();
            assert_eq!(render(&parsed, &lead), text, "{template}");
            assert_eq!(render_values(&parsed, &lead), values, "{template}");
        }
    }
}
