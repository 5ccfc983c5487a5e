//! The keys under which submissions are counted, for the rate limit of the platform.
//!
//! Two counts, each with a key of its own: one form, and one address at one form. An office or a school behind one
//! address shares its count, so that limit has to leave room for several people; it stops one machine that sends in a
//! loop. The form's count stops a flood from many addresses. Who is over a limit keeps the text and sends it a minute later.

use std::net::IpAddr;

/// The key of one visitor at one form. An IPv6 address counts by its network: whoever has one has 2^64 of them.
pub fn address_key(form: &str, address: &str) -> String {
    let address = address.trim();
    match address.parse().map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{form} {a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(IpAddr::V4(address)) => format!("{form} {address}"),
        Err(_) => format!("{form} {address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_for_one_network() {
        for (address, key) in [
            ("203.0.113.7", "contact 203.0.113.7"),
            ("::ffff:203.0.113.7", "contact 203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "contact 2001:db8:1:2::/64"),
            ("2001:db8:1:2::1", "contact 2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "contact 2001:db8:1:3::/64"),
            ("unknown", "contact unknown"),
        ] {
            assert_eq!(address_key("contact", address), key);
        }
    }
}
