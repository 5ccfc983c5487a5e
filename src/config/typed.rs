//! Custom fields: the CRM's own field on the left, a typed template on the right (`{ number = "{budget}" }`).

use super::Template;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// What type of value a CRM's custom field takes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $variant,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)+];

            /// The word used in the config.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)+ }
            }
        }
    };
}

kinds! {
    /// Text.
    Text = "text",
    /// A number; thousands separators and a currency sign are tolerated.
    Number = "number",
    /// True or false; `on`, `yes`, `1`, `예` are true.
    Bool = "bool",
    /// A day.
    Date = "date",
    /// A moment.
    DateTime = "datetime",
    /// Several texts: the values of a repeated field.
    List = "list",
    /// Salesmap: the id of a user.
    User = "user",
    /// Salesmap: the ids of users.
    Users = "users",
    /// Salesmap: the id of a person.
    Person = "person",
    /// Salesmap: the ids of people.
    People = "people",
    /// Salesmap: the id of an organization.
    Organization = "organization",
    /// Salesmap: the ids of organizations.
    Organizations = "organizations",
    /// Salesmap: the id of a pipeline.
    Pipeline = "pipeline",
    /// Salesmap: the id of a pipeline stage.
    PipelineStage = "pipeline_stage",
    /// Salesmap: the id of a web form.
    WebForm = "web_form",
    /// Salesmap: the ids of web forms.
    WebForms = "web_forms",
    /// Salesmap: the id of a sequence.
    Sequence = "sequence",
    /// Salesmap: the ids of sequences.
    Sequences = "sequences",
    /// Salesmap: the id of a deal.
    Deal = "deal",
    /// Salesmap: the ids of deals.
    Deals = "deals",
    /// Salesmap: the ids of leads.
    Leads = "leads",
    /// Salesmap: the ids of custom objects.
    CustomObjects = "custom_objects",
    /// Salesmap: the ids of teams.
    Teams = "teams",
    /// Salesmap: the ids of products.
    Products = "products",
}

impl Kind {
    /// The kinds that most destinations take: `StateSet` takes fewer, some take more.
    pub const COMMON: &'static [Kind] = &[Kind::Text, Kind::Number, Kind::Bool, Kind::Date, Kind::List];

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// A CRM's own field and what fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedField {
    /// The field's name or id, exactly as the CRM spells it.
    pub name: String,
    /// The type of its value.
    pub kind: Kind,
    /// What fills it.
    pub template: Template,
}
