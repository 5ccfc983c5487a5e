//! Typed values as LeadSquared takes them: every value is a text, and moments are UTC, `YYYY-MM-DD HH:MM:SS`
//! (<https://apidocs.leadsquared.com/overview/>).

use crate::lead::typed::Value;

/// How a day without a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Days {
    /// As the beginning of the day: what the vendor's overview asks of the fields of a lead.
    Midnight,
    /// As the bare day: what the page of users shows (`"Appraisal_Date":"2023-10-04"`).
    Bare,
}

/// The text that stands for `value`.
pub(super) fn text(value: &Value, days: Days) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        // The vendor documents no text for its Boolean fields beyond the JSON words; an account whose field wants
        // others can spell them with a text template.
        Value::Bool(flag) => flag.to_string(),
        Value::Date(day) if days == Days::Midnight => format!("{day} 00:00:00"),
        Value::Date(day) => day.clone(),
        Value::DateTime(moment) => match (moment.get(..10), moment.get(11..19)) {
            (Some(day), Some(time)) => format!("{day} {time}"),
            _ => moment.clone(),
        },
        // How LeadSquared itself joins the options of a multi-select field.
        Value::List(items) => items.join(";"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_a_text() {
        let table = [
            (Value::Text("서울 <1>".into()), "서울 <1>", "서울 <1>"),
            (Value::Number(1500.into()), "1500", "1500"),
            (Value::Number(serde_json::Number::from_f64(0.5).unwrap()), "0.5", "0.5"),
            (Value::Bool(true), "true", "true"),
            (Value::Bool(false), "false", "false"),
            (Value::Date("2024-04-16".into()), "2024-04-16 00:00:00", "2024-04-16"),
            (Value::DateTime("2024-04-16T07:18:17.516Z".into()), "2024-04-16 07:18:17", "2024-04-16 07:18:17"),
            (Value::DateTime("soon".into()), "soon", "soon"),
            (Value::List(vec!["a".into(), "b, c".into()]), "a;b, c", "a;b, c"),
            (Value::List(Vec::new()), "", ""),
        ];
        for (value, midnight, bare) in table {
            assert_eq!((text(&value, Days::Midnight), text(&value, Days::Bare)), (midnight.into(), bare.into()));
        }
    }
}
