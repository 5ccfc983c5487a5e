//! Fills templates from a Lead.

use crate::config::Template;
use crate::config::template::Part;

use super::Lead;

/// The template filled; several values of one field are joined with `, `.
pub fn render(template: &Template, lead: &Lead) -> String {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Variable { name, fallback } => {
                let values = lead.variable(name);
                if values.is_empty() {
                    text.push_str(fallback.as_deref().unwrap_or_default());
                } else {
                    text.push_str(&values.join(", "));
                }
            }
        }
    }
    text
}
