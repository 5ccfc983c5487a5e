//! Templates: `"{name} ({form})"`, `"{utm_source|direct}"`. Parsed with the config, rendered from a Lead.
//!
//! A variable is a system word (`form`, `submission_id`, `submitted_at`), a lead field (`email`) or a form field; the first
//! match wins. The text after `|` is used when the variable has no filled value. `0` and `false` are filled. `{{` and `}}`
//! are literal braces. Control fields are never data, so a template that names one is an error.

use super::control::is_control;
use super::lead::Lead;
use super::text;

/// A parsed text with variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The pieces, in order.
    pub parts: Vec<Part>,
}

/// One piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// A variable, with an optional fallback.
    Variable {
        /// Its name, trimmed.
        name: String,
        /// The text after `|`, if any.
        fallback: Option<String>,
    },
}

/// Why a text is not a template; its `Display` is written for a config error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateError {
    /// `{` without `}`.
    Unclosed,
    /// `}` without `{`.
    Unopened,
    /// `{}` or `{|x}`.
    NoName,
    /// A control field.
    Control(String),
}

impl std::error::Error for TemplateError {}

impl std::fmt::Display for TemplateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unclosed => write!(f, "a `{{` is not closed (write `{{{{` for a literal brace)"),
            Self::Unopened => write!(f, "a `}}` has no `{{` before it (write `}}}}` for a literal brace)"),
            Self::NoName => write!(f, "a `{{}}` names no field"),
            Self::Control(name) => write!(f, "`{{{name}}}` names a control field; those are never data"),
        }
    }
}

impl Template {
    /// Parses `text`.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let doubled = rest[at..].starts_with("{{") || rest[at..].starts_with("}}");
            if doubled {
                literal.push_str(&rest[at..=at]);
                rest = &rest[at + 2..];
                continue;
            }
            if rest[at..].starts_with('}') {
                return Err(TemplateError::Unopened);
            }
            // A `{` before the `}` means that one of the two is missing: `{name ({form}`.
            let end = rest[at + 1..].find(['{', '}']).map(|end| at + 1 + end);
            let end = end.filter(|end| rest[*end..].starts_with('}')).ok_or(TemplateError::Unclosed)?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(variable(&rest[at + 1..end])?);
            rest = &rest[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts })
    }

    /// The names of its variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { name, .. } => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }
}

fn variable(inside: &str) -> Result<Part, TemplateError> {
    let (name, fallback) = match inside.split_once('|') {
        Some((name, fallback)) => (name, Some(fallback.to_owned())),
        None => (inside, None),
    };
    let name = name.trim();
    if name.is_empty() {
        return Err(TemplateError::NoName);
    }
    if is_control(name) {
        return Err(TemplateError::Control(name.to_owned()));
    }
    Ok(Part::Variable { name: name.to_owned(), fallback })
}

/// Fills a template. The values of a repeated field are joined with `, `.
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

/// Fills a template as a list without blank values. A template of a single variable gives every value of that field, any
/// other gives one text.
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
    use proptest::prelude::*;

    use super::*;
    use crate::domain::lead::LeadField;
    use crate::domain::lead::tests::unmapped_lead;

    fn var(name: &str, fallback: Option<&str>) -> Part {
        Part::Variable { name: name.into(), fallback: fallback.map(Into::into) }
    }

    #[test]
    fn a_template_has_texts_variables_and_fallbacks() {
        let parsed = Template::parse("{name} ({ form }), {utm_source|direct}!").unwrap();
        assert_eq!(
            parsed.parts,
            [
                var("name", None),
                Part::Text(" (".into()),
                var("form", None),
                Part::Text("), ".into()),
                var("utm_source", Some("direct")),
                Part::Text("!".into()),
            ]
        );
        assert_eq!(parsed.variables().collect::<Vec<_>>(), ["name", "form", "utm_source"]);
    }

    #[test]
    fn doubled_braces_are_literal_and_hangul_is_a_name() {
        let parsed = Template::parse("{{a}} {예산}").unwrap();
        assert_eq!(parsed.parts, [Part::Text("{a} ".into()), var("예산", None)]);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, error) in [
            ("{name", TemplateError::Unclosed),
            ("{name ({form}", TemplateError::Unclosed),
            ("name}", TemplateError::Unopened),
            ("{ |x}", TemplateError::NoName),
            ("{_next}", TemplateError::Control("_next".into())),
        ] {
            assert_eq!(Template::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn templates_render_to_a_text_or_a_list() {
        let mut lead = unmapped_lead(&[
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
        lead.values.insert(LeadField::Name, "Ada Lovelace".into());
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

    proptest! {
        #[test]
        fn the_list_joined_is_the_rendered_text(text in "[{}|a-z가 ]{0,20}|\\PC{0,20}", value in any::<String>()) {
            if let Ok(template) = Template::parse(&text) {
                let lead = unmapped_lead(&[("a", &value), ("email", &value)]);
                let values = render_values(&template, &lead);
                prop_assert!(values.iter().all(|value| !value.trim().is_empty()));
                let (joined, rendered) = (values.join(", "), render(&template, &lead));
                prop_assert_eq!(joined.trim(), rendered.trim());
            }
        }
    }
}
