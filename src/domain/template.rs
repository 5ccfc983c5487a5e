//! Templates: `"{name} ({form})"`, `"{utm_source|direct}"`. Parsed when the config is read, rendered by `lead/`.
//!
//! A variable is, first match wins: a system word, which the visitor cannot set (`form`, `submission_id`, `submitted_at`), a
//! lead field (`email`), or the name of a form field.
//! After `|` stands the text to use when the variable is empty. `{{` and `}}` are literal braces.
//! Control fields ([`is_control`]) are never data, so a template that names one is an error.

use super::control::is_control;

/// A text with variables, parsed.
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
    /// A variable, with the text to use when it is empty.
    Variable {
        /// Its name, trimmed.
        name: String,
        /// What stands after `|`, if anything does.
        fallback: Option<String>,
    },
}

/// Why a text is not a template; its `Display` is meant for a config error.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn var(name: &str, fallback: Option<&str>) -> Part {
        Part::Variable { name: name.into(), fallback: fallback.map(Into::into) }
    }

    #[test]
    fn texts_variables_and_fallbacks() {
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
    fn what_is_not_a_template() {
        assert_eq!(Template::parse("{name"), Err(TemplateError::Unclosed));
        assert_eq!(Template::parse("{name ({form}"), Err(TemplateError::Unclosed));
        assert_eq!(Template::parse("{name ({form})"), Err(TemplateError::Unclosed));
        assert_eq!(Template::parse("name}"), Err(TemplateError::Unopened));
        assert_eq!(Template::parse("{ |x}"), Err(TemplateError::NoName));
        assert_eq!(Template::parse("{_next}"), Err(TemplateError::Control("_next".into())));
    }
}
