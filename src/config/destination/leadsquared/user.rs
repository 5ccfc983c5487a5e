//! The keys of a LeadSquared destination with `record = "user"`: <https://apidocs.leadsquared.com/create-a-user/>.
//!
//! - A user is a login and a paid seat, and an Administrator owns the account. A role that a form's field decides is
//!   therefore held to `allowed_roles`, which is `Sales_User` alone unless the operator says otherwise.
//! - Constants are checked here, values from a form's field at delivery, both by [`ParameterKind::value`].
//! - A password is never a constant: vars are no place for secrets, and one password for every user is none.

use serde_json::{Value, json};

use crate::config::reader::texts_of;
use crate::domain::settings::Reader;
use crate::domain::template::Part;
use crate::domain::{Template, TypedField};

use super::{KINDS, time_zones};

/// The roles of the vendor's page.
pub const ROLES: &[&str] = &["Administrator", "Marketing_User", "Sales_Manager", "Sales_User"];

/// The optional parameters of the vendor's page, in its order.
pub const PARAMETERS: &[(&str, ParameterKind)] = &[
    ("AssociatedPhoneNumbers", ParameterKind::Text),
    ("IsPhoneCallAgent", ParameterKind::Flag),
    ("UserType", ParameterKind::UserType),
    ("ManagerUserId", ParameterKind::Text),
    ("PhoneMobile", ParameterKind::Text),
    ("TimeZone", ParameterKind::TimeZone),
    ("DateFormat", ParameterKind::DateFormat),
    ("Password", ParameterKind::Password),
    ("TeamId", ParameterKind::Text),
    ("WorkDayTemplateId", ParameterKind::Text),
    ("HolidayCalendarId", ParameterKind::Text),
];

/// What a user may do in a sales group, each 0 or 1, in the order of the page.
pub const GROUP_RIGHTS: [&str; 5] = [
    "ViewAllLeadsOfGroup",
    "ModifyAllLeadsOfGroup",
    "AddUsersToGroup",
    "ViewAllAccountsOfGroup",
    "ModifyAllAccountsOfGroup",
];

const DATE_FORMATS: &[&str] = &["mm/dd/yy", "mm/dd/yyyy", "dd/mm/yy", "dd/mm/yyyy"];

/// How a user is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserOptions {
    /// What the user may be.
    pub role: Role,
    /// The optional parameters, in the order of the page.
    pub parameters: Vec<Parameter>,
    /// The sales groups that the user joins (`AssociatedGroups`).
    pub groups: Vec<Group>,
    /// The user fields of the account (`CustomFields`), by schema name.
    pub custom_fields: Vec<TypedField>,
}

/// What a user may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// What names the role.
    pub template: Template,
    /// What it may come out as.
    pub allowed: Vec<String>,
}

/// One optional parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// As the page spells it.
    pub name: &'static str,
    /// What it takes.
    pub kind: ParameterKind,
    /// What fills it.
    pub template: Template,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// Any text.
    Text,
    /// True or false.
    Flag,
    /// 0: a web user, 1: a mobile user.
    UserType,
    /// A time zone of the page's list.
    TimeZone,
    /// A date format of the page's list.
    DateFormat,
    /// A password, from one form field.
    Password,
}

/// A sales group that the user joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The group's id.
    pub id: Template,
    /// [`GROUP_RIGHTS`], each 0 or 1.
    pub rights: [u8; 5],
}

impl ParameterKind {
    /// The JSON that `text` stands for; `None` when the parameter does not take it.
    pub fn value(self, text: &str) -> Option<Value> {
        match self {
            Self::Text | Self::Password => Some(json!(text)),
            Self::Flag => match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" | "예" => Some(json!(true)),
                "false" | "no" | "off" | "0" | "아니요" => Some(json!(false)),
                _ => None,
            },
            Self::UserType => text.parse::<u8>().ok().filter(|number| *number <= 1).map(|number| json!(number)),
            Self::TimeZone => time_zones::contains(text).then(|| json!(text)),
            Self::DateFormat => DATE_FORMATS.contains(&text).then(|| json!(text)),
        }
    }

    /// What it takes, in words.
    pub const fn takes(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Flag => "true or false",
            Self::UserType => "0 (a web user) or 1 (a mobile user)",
            Self::TimeZone => "a time zone of LeadSquared's list, as in \"Asia/Kolkata\"",
            Self::DateFormat => "one of \"mm/dd/yy\", \"mm/dd/yyyy\", \"dd/mm/yy\", \"dd/mm/yyyy\"",
            Self::Password => "one form field and nothing else, as in \"{password}\"",
        }
    }
}

/// Reads the keys of a destination that makes users.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<UserOptions> {
    let role = role(reader);
    let parameters = parameters(reader);
    let groups = groups(reader);
    let custom_fields = reader.typed_fields("custom_fields", KINDS);
    Some(UserOptions { role: role?, parameters: parameters?, groups: groups?, custom_fields })
}

fn role(reader: &mut Reader<'_>) -> Option<Role> {
    let allowed = allowed_roles(reader);
    let what = format!("one of {}, or a template", ROLES.join(", "));
    let text = reader.required_text("role", &what)?;
    let template = reader.parse_template("role", &text)?;
    let fixed = match (constant(&template), template.parts.as_slice()) {
        (Some(role), _) => {
            if allowed?.is_some() {
                reader.error("allowed_roles", "says nothing when role is a constant; leave it out");
                return None;
            }
            if !ROLES.contains(&role.as_str()) {
                reader.wrong("role", &json!(text), &what);
                return None;
            }
            return Some(Role { template, allowed: vec![role] });
        }
        (None, [Part::Variable { fallback, .. }]) => fallback.clone(),
        (None, _) => None,
    };
    let allowed = allowed?.unwrap_or_else(|| vec!["Sales_User".to_owned()]);
    if let Some(fallback) = fixed.filter(|role| !role.is_empty() && !allowed.contains(role)) {
        let message = format!("falls back to \"{fallback}\"; allowed_roles has: {}", allowed.join(", "));
        reader.error("role", message);
        return None;
    }
    Some(Role { template, allowed })
}

/// The key `allowed_roles`: `Some(None)` when it is not there, `None` when it is wrong.
#[allow(clippy::option_option, reason = "absent and wrong are two things: only the second has been reported")]
fn allowed_roles(reader: &mut Reader<'_>) -> Option<Option<Vec<String>>> {
    let Some(value) = reader.raw("allowed_roles") else { return Some(None) };
    let roles = texts_of(value).filter(|roles| roles.iter().all(|role| ROLES.contains(&role.as_str())));
    if roles.is_none() {
        reader.wrong("allowed_roles", value, &format!("a list of roles: {}", ROLES.join(", ")));
    }
    roles.map(Some)
}

fn parameters(reader: &mut Reader<'_>) -> Option<Vec<Parameter>> {
    if reader.raw("parameters").is_none() {
        return Some(Vec::new());
    }
    let mut table = reader.table("parameters")?;
    let read: Vec<_> = PARAMETERS.iter().map(|(name, kind)| parameter(&mut table, name, *kind)).collect();
    table.finish();
    Some(read.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

/// One key of `parameters`: `Some(None)` when it is not there, `None` when it is wrong.
#[allow(clippy::option_option, reason = "absent and wrong are two things: only the second has been reported")]
fn parameter(table: &mut Reader<'_>, name: &'static str, kind: ParameterKind) -> Option<Option<Parameter>> {
    let Some(value) = table.raw(name) else { return Some(None) };
    let text = match (kind, value) {
        (ParameterKind::Password, _) => return password(table, name, value).map(Some),
        (_, Value::String(text)) if !text.trim().is_empty() => text.clone(),
        (ParameterKind::Flag, Value::Bool(flag)) => flag.to_string(),
        (ParameterKind::UserType, Value::Number(number)) => number.to_string(),
        _ => {
            table.wrong(name, value, kind.takes());
            return None;
        }
    };
    let template = table.parse_template(name, &text)?;
    if constant(&template).is_some_and(|text| kind.value(&text).is_none()) {
        table.wrong(name, value, kind.takes());
        return None;
    }
    Some(Some(Parameter { name, kind, template }))
}

/// The one parameter whose errors do not show what was found.
fn password(table: &mut Reader<'_>, name: &'static str, value: &Value) -> Option<Parameter> {
    let kind = ParameterKind::Password;
    let template = value.as_str().and_then(|text| Template::parse(text).ok());
    let one_field = |template: &Template| matches!(template.parts.as_slice(), [Part::Variable { fallback: None, .. }]);
    let Some(template) = template.filter(one_field) else {
        table.error(name, format!("takes {}; a password never stands in the config", kind.takes()));
        return None;
    };
    Some(Parameter { name, kind, template })
}

fn groups(reader: &mut Reader<'_>) -> Option<Vec<Group>> {
    let Some(value) = reader.raw("groups") else { return Some(Vec::new()) };
    let Some(list) = value.as_array() else {
        reader.wrong("groups", value, "a list of tables, each with a GroupId");
        return None;
    };
    let read: Vec<_> = list.iter().enumerate().map(|(at, value)| group(reader, at, value)).collect();
    read.into_iter().collect()
}

fn group(reader: &mut Reader<'_>, at: usize, value: &Value) -> Option<Group> {
    let Some(table) = value.as_object() else {
        reader.wrong(&format!("groups[{at}]"), value, "a table with a GroupId");
        return None;
    };
    let mut right = true;
    for key in table.keys().filter(|key| *key != "GroupId" && !GROUP_RIGHTS.contains(&key.as_str())) {
        let message = format!("is not a key; known here: GroupId, {}", GROUP_RIGHTS.join(", "));
        reader.error(&format!("groups[{at}].{key}"), message);
        right = false;
    }
    // What is not granted is not sent as a guess of the vendor's default: it is refused.
    let mut rights = [0; 5];
    for (name, granted) in GROUP_RIGHTS.iter().zip(&mut rights) {
        match table.get(*name).map(|value| (value, value.as_u64())) {
            None | Some((_, Some(0))) => {}
            Some((_, Some(1))) => *granted = 1,
            Some((value, _)) => {
                reader.wrong(&format!("groups[{at}].{name}"), value, "0 or 1");
                right = false;
            }
        }
    }
    let key = format!("groups[{at}].GroupId");
    let id = match table.get("GroupId") {
        Some(Value::String(text)) if !text.trim().is_empty() => reader.parse_template(&key, text),
        Some(value) => {
            reader.wrong(&key, value, "the id of a sales group");
            None
        }
        None => {
            reader.error(&key, "is missing; it takes the id of a sales group");
            None
        }
    };
    id.filter(|_| right).map(|id| Group { id, rights })
}

/// The text of a template without variables.
fn constant(template: &Template) -> Option<String> {
    template
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Variable { .. } => None,
        })
        .collect()
}
