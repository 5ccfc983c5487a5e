//! The documented contract for a client: `POST /members/bulk-client` with a bare array and the company's id,
//! <https://docs.agencyhandy.com/api/create-client> as it stood in June 2026.
//!
//! - The page insists on the spelling `companyId`, "to avoid authentication errors". Header names have no case, and
//!   HTTP/2 sends them in lower case anyway; it is written here as the page has it.
//! - The current contract has the same route and another body: its server refuses this one by its `status`.

use serde_json::{Map, json};

use crate::domain::LeadField;
use crate::lead::Lead;

use super::{AgencyHandy, Call, Chance, Contract, Progress, is_left_out, text_of};

impl AgencyHandy {
    /// Creates the client with the members of the page's example; the optional ones only when there is a value.
    pub(super) fn documented_client(&self, lead: &Lead, progress: &Progress, company_id: &str, chance: Chance) -> Call {
        let takes = |key| !is_left_out(key, false, progress);
        let name = lead.name_parts();
        let mut client = Map::new();
        client.insert("firstName".into(), json!(name.first));
        client.insert("lastName".into(), json!(name.last));
        client.insert("email".into(), json!(text_of(lead, LeadField::Email)));
        client.insert("isConvertedClient".into(), json!(false));
        client.insert("status".into(), json!(self.options.status));
        if let Some(phone) = lead.get(LeadField::Phone).filter(|_| takes("contactNo")) {
            client.insert("contactNo".into(), json!(phone));
        }
        let (source, _) = self.source(lead);
        if !source.is_empty() && takes("source") {
            client.insert("source".into(), json!(source));
        }
        client.insert("positionInBoard".into(), json!(self.options.position_in_board));
        let step = self.step(Contract::Company, chance);
        self.create(step, "/members/bulk-client", Some(("companyId", company_id)), &json!([client]))
    }
}
