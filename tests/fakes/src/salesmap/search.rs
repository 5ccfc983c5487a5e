//! `POST /v2/object/{object}/search`: groups joined by OR, filters of a group by AND, one to three of each.
//! <https://docs.salesmap.kr/developers/api-reference/object-search>
//!
//! The answer has ids and names, nothing else. A relation is searched by id; a value that is none is a failure of the
//! server's, not a refusal.

use serde_json::{Value, json};

use super::catalogue::{Field, Shape, TYPES, korean_midnight, moment};

/// Why a search has no answer.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// 400, with this `reason`.
    Refused(Value),
    /// 500: the value of a relation is no id.
    Server,
}

/// Operators that the vendor's page lists and this fake does not carry out.
const NOT_HERE: &[&str] = &[
    "NOT_CONTAINS",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "NOT_IN",
    "LIST_CONTAIN",
    "LIST_NOT_CONTAIN",
    "DATE_IS_SPECIFIC_DAY",
    "DATE_BETWEEN",
    "DATE_MORE_THAN_DAYS_AGO",
    "DATE_LESS_THAN_DAYS_AGO",
    "DATE_LESS_THAN_DAYS_LATER",
    "DATE_MORE_THAN_DAYS_LATER",
    "DATE_AGO",
    "DATE_LATER",
];

/// The filter groups of a search, checked against the fields of its object.
#[derive(Debug)]
pub struct Search<'a> {
    groups: Vec<Vec<Filter<'a>>>,
}

#[derive(Debug)]
struct Filter<'a> {
    field: &'a str,
    operator: Operator,
}

#[derive(Debug)]
enum Operator {
    Eq(Value),
    Neq(Value),
    In(Vec<Value>),
    Contains(String),
    Exists,
    NotExists,
    OnOrAfter(String),
    OnOrBefore(String),
}

impl<'a> Search<'a> {
    /// Reads the body of a search.
    pub fn read(body: &'a Value, fields: &[&Field]) -> Result<Self, Failure> {
        let groups = one_to_three(&body["filterGroupList"], "filterGroupList")?;
        let groups = groups
            .iter()
            .map(|group| {
                let filters = one_to_three(&group["filters"], "filterGroupList,filters")?;
                filters.iter().map(|filter| read_filter(filter, fields)).collect()
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { groups })
    }

    /// Whether a record with these values (label to value) is found.
    pub fn finds(&self, values: &Value) -> bool {
        self.groups.iter().any(|group| group.iter().all(|filter| filter.operator.holds(&values[filter.field])))
    }
}

fn one_to_three<'a>(list: &'a Value, name: &str) -> Result<&'a Vec<Value>, Failure> {
    let found = list.as_array().filter(|list| (1..=3).contains(&list.len()));
    found.ok_or_else(|| Failure::Refused(json!([format!("[{name}]: 1개 이상 3개 이하로 입력해주세요.")])))
}

fn read_filter<'a>(filter: &'a Value, fields: &[&Field]) -> Result<Filter<'a>, Failure> {
    let refused = |reason: String| Failure::Refused(json!(reason));
    let name = filter["fieldName"].as_str().ok_or_else(|| refused("Invalid fieldName".into()))?;
    let field = fields.iter().find(|field| field.name == name);
    let field = field.ok_or_else(|| refused(format!("Invalid fieldName: {name}")))?;
    let shape = TYPES.iter().find(|(code, ..)| *code == field.code).map(|(.., shape)| *shape);
    let value = &filter["value"];
    let invalid_value = || refused(format!("Invalid value: {name}"));
    let text = || value.as_str().map(str::to_owned).ok_or_else(invalid_value);
    let dated = matches!(shape, Some(Shape::Date | Shape::DateTime));
    let instant = || value.as_str().and_then(|text| moment(text).or_else(|| korean_midnight(text)));
    let word = filter["operator"].as_str().unwrap_or_default();
    let operator = match word {
        "EXISTS" => Operator::Exists,
        "NOT_EXISTS" => Operator::NotExists,
        "EQ" | "NEQ" if value.is_null() => return Err(invalid_value()),
        "EQ" => Operator::Eq(value.clone()),
        "NEQ" => Operator::Neq(value.clone()),
        "IN" if value.is_string() => Operator::In(vec![value.clone()]),
        "IN" => Operator::In(value.as_array().filter(|list| !list.is_empty()).ok_or_else(invalid_value)?.clone()),
        "CONTAINS" if shape == Some(Shape::Text) => Operator::Contains(text()?),
        "DATE_ON_OR_AFTER" if dated => Operator::OnOrAfter(instant().ok_or_else(invalid_value)?),
        "DATE_ON_OR_BEFORE" if dated => Operator::OnOrBefore(instant().ok_or_else(invalid_value)?),
        word if NOT_HERE.contains(&word) => {
            return Err(refused(format!("this fake does not carry out the operator {word}")));
        }
        word => return Err(refused(format!("Invalid operator: {word}"))),
    };
    if matches!(shape, Some(Shape::Id(_) | Shape::Ids(_))) && !operator.values().iter().all(|value| is_id(value)) {
        return Err(Failure::Server);
    }
    Ok(Filter { field: name, operator })
}

impl Operator {
    fn values(&self) -> Vec<&Value> {
        match self {
            Self::Eq(value) | Self::Neq(value) => vec![value],
            Self::In(values) => values.iter().collect(),
            _ => Vec::new(),
        }
    }

    fn holds(&self, held: &Value) -> bool {
        let is = |value: &Value| held == value || held.as_array().is_some_and(|list| list.contains(value));
        let exists = !held.is_null() && held.as_array().is_none_or(|list| !list.is_empty());
        match self {
            Self::Eq(value) => is(value),
            Self::Neq(value) => !is(value),
            Self::In(values) => values.iter().any(is),
            Self::Contains(text) => held.as_str().is_some_and(|held| held.contains(text.as_str())),
            Self::Exists => exists,
            Self::NotExists => !exists,
            // Stored moments are all UTC with milliseconds: they sort as texts.
            Self::OnOrAfter(from) => held.as_str().is_some_and(|held| held >= from.as_str()),
            Self::OnOrBefore(to) => held.as_str().is_some_and(|held| held <= to.as_str()),
        }
    }
}

/// A UUID, or one of the old 24-digit ids.
pub fn is_id(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    text.split('-').all(hex) && (groups == [8, 4, 4, 4, 12] || groups == [24])
}
