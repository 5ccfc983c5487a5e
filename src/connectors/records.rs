//! What a connector can create, what it promises, and which secrets it takes, as data.

/// One kind of record that a connector creates.
#[derive(Debug)]
pub struct Record {
    /// The value of the key `record`.
    pub name: &'static str,
    /// What a delivery leaves behind at the vendor, for the docs ("a person and a lead").
    pub creates: &'static str,
    /// What repeats leave behind.
    pub guarantee: Guarantee,
    /// Creating one costs money or opens a login, so a form without a token must not lead here.
    pub needs_token: bool,
}

/// What a destination can promise about repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// One record per submission, whatever happens.
    ExactlyOnce,
    /// One record per person, updated by each submission.
    Upsert,
    /// One record per person; the vendor rejects a known email.
    OncePerPerson,
    /// A repeat after a lost response can leave a second record.
    MayRepeat,
}

impl Guarantee {
    /// As docs and console write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExactlyOnce => "exactly once",
            Self::Upsert => "upsert",
            Self::OncePerPerson => "once per person",
            Self::MayRepeat => "may repeat",
        }
    }
}

/// A secret of a destination: `{DESTINATION}_{suffix}` in the environment.
#[derive(Debug)]
pub struct Secret {
    /// Its name without the destination's.
    pub suffix: &'static str,
    /// What it is and where to find it.
    pub hint: &'static str,
}
