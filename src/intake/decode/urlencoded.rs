//! `application/x-www-form-urlencoded`, as the URL standard parses it: <https://url.spec.whatwg.org/#urlencoded-parsing>.
//!
//! Nothing is malformed here: a stray `%` stands for itself and invalid UTF-8 is replaced.

use crate::form::Refusal;

use super::gather::Gather;

pub(super) fn read(body: &[u8], gather: &mut Gather) -> Result<(), Refusal> {
    for (name, value) in form_urlencoded::parse(body) {
        gather.pair(&name, &value)?;
    }
    Ok(())
}
