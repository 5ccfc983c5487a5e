//! The words of a Lead: what a form's field can be mapped to, whatever the CRM calls it.

macro_rules! lead_fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// One CRM-neutral property of a lead.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum LeadField { $($(#[$doc])* $variant,)+ }

        impl LeadField {
            /// Every lead field, in the order of notes and pages.
            pub const ALL: &'static [LeadField] = &[$(LeadField::$variant,)+];

            /// The name used in `map`, in templates and in the webhook's JSON.
            pub const fn name(self) -> &'static str {
                match self { $(LeadField::$variant => $name,)+ }
            }
        }
    };
}

lead_fields! {
    /// The whole name, as the visitor wrote it.
    Name = "name",
    /// Given name.
    FirstName = "first_name",
    /// Family name.
    LastName = "last_name",
    /// E-mail address.
    Email = "email",
    /// Telephone number, as written.
    Phone = "phone",
    /// Company or organization.
    Company = "company",
    /// Position, role or job title.
    JobTitle = "job_title",
    /// The visitor's own website.
    Website = "website",
    /// What the visitor wrote.
    Message = "message",
    /// Street and house number, every line of it.
    Street = "street",
    /// City or town.
    City = "city",
    /// State, province or region.
    State = "state",
    /// Postal code.
    PostalCode = "postal_code",
    /// Country, as written, or the two letters that the network says.
    Country = "country",
    /// Where the lead came from, in the words of the CRM (`website`).
    Source = "source",
    /// What the visitor consented to, in words.
    Consent = "consent",
    /// When the consent was given, RFC 3339.
    ConsentAt = "consent_at",
    /// The visitor's language (`ko-KR`).
    Locale = "locale",
    /// Campaign source.
    UtmSource = "utm_source",
    /// Campaign medium.
    UtmMedium = "utm_medium",
    /// Campaign name.
    UtmCampaign = "utm_campaign",
    /// Campaign term.
    UtmTerm = "utm_term",
    /// Campaign content.
    UtmContent = "utm_content",
    /// Google Ads click id.
    Gclid = "gclid",
    /// Google Ads click id of an app.
    Gbraid = "gbraid",
    /// Google Ads click id of a web-to-app campaign.
    Wbraid = "wbraid",
    /// Google Display click id.
    Dclid = "dclid",
    /// Meta click id.
    Fbclid = "fbclid",
    /// Microsoft Ads click id.
    Msclkid = "msclkid",
    /// `TikTok` click id.
    Ttclid = "ttclid",
    /// `LinkedIn` click id.
    LiFatId = "li_fat_id",
    /// X (Twitter) click id.
    Twclid = "twclid",
    /// The page that led to the site.
    Referrer = "referrer",
    /// The first page of the visit.
    LandingPage = "landing_page",
}

impl LeadField {
    /// The lead field of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }
}
