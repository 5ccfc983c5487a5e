//! Web addresses in the config and from browsers: origins of websites, redirects, a webhook's URL, `CRM_ORIGIN`.
//!
//! Stricter than a URL library: an ambiguous address, or one that browsers would repair (`https:\\x`, a user name before the
//! host, a Unicode host), is an error. Two addresses can then be compared as text.

use std::fmt;

/// An absolute `http` or `https` address, split into its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address<'a> {
    /// `https` or `http`.
    pub scheme: &'static str,
    /// The host in lower case; an IPv6 address keeps its brackets.
    pub host: String,
    /// The port, unless it is the scheme's default.
    pub port: Option<u16>,
    /// Path, query and fragment as written; may be empty.
    pub rest: &'a str,
}

/// Why a text is not an [`Address`]; `Display` completes "the address …".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressError {
    /// Neither `https://` nor `http://`.
    Scheme,
    /// A space, a control character or a backslash.
    Character,
    /// `user:password@`.
    UserName,
    /// No host, or neither a DNS name nor an IP address.
    Host,
    /// A host outside ASCII.
    Unicode,
    /// A port outside 1 to 65535.
    Port,
}

impl std::error::Error for AddressError {}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "does not begin with https:// or http://",
            Self::Character => "has a space, a control character or a backslash in it",
            Self::UserName => "has a user name in it",
            Self::Host => "has no valid host",
            Self::Unicode => "has a host in Unicode; write its xn-- form",
            Self::Port => "has no valid port",
        })
    }
}

impl<'a> Address<'a> {
    /// Splits and checks `text`.
    pub fn parse(text: &'a str) -> Result<Self, AddressError> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(AddressError::Character);
        }
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "https" => ("https", 443),
            "http" => ("http", 80),
            _ => return Err(AddressError::Scheme),
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(AddressError::UserName);
        }
        let (host, port) = split_port(authority)?;
        let host = host.to_ascii_lowercase();
        if !host.is_ascii() {
            return Err(AddressError::Unicode);
        }
        if !is_host(&host) {
            return Err(AddressError::Host);
        }
        Ok(Self { scheme, host, port: port.filter(|port| *port != default_port), rest })
    }

    /// Scheme, host and port, as a browser writes them in `Origin`.
    pub fn origin(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.scheme, self.host)
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "[::1]")
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), AddressError> {
    // An IPv6 address has colons too, in brackets.
    let after_host = authority.rfind(']').map_or(0, |at| at + 1);
    let Some(colon) = authority[after_host..].find(':').map(|at| after_host + at) else {
        return Ok((authority, None));
    };
    let digits = &authority[colon + 1..];
    let port = digits.parse().ok().filter(|port| *port != 0 && digits.bytes().all(|b| b.is_ascii_digit()));
    Ok((&authority[..colon], Some(port.ok_or(AddressError::Port)?)))
}

fn is_host(host: &str) -> bool {
    if let Some(inside) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inside.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_split_and_normalised() {
        type Row = (&'static str, &'static str, Option<u16>, &'static str, &'static str);
        let rows: [Row; 6] = [
            ("https://www.example.com", "www.example.com", None, "", "https://www.example.com"),
            ("HTTPS://WWW.Example.com:443/a?b#c", "www.example.com", None, "/a?b#c", "https://www.example.com"),
            ("http://localhost:8788", "localhost", Some(8788), "", "http://localhost:8788"),
            ("http://[::1]:8788/x", "[::1]", Some(8788), "/x", "http://[::1]:8788"),
            ("https://example.com?x=1", "example.com", None, "?x=1", "https://example.com"),
            ("https://example.com:80", "example.com", Some(80), "", "https://example.com:80"),
        ];
        for (text, host, port, rest, origin) in rows {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host.as_str(), address.port, address.rest), (host, port, rest), "{text}");
            assert_eq!(address.origin(), origin, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let rows = [
            ("", AddressError::Scheme),
            ("www.example.com", AddressError::Scheme),
            ("//example.com", AddressError::Scheme),
            ("javascript://example.com/%0aalert(1)", AddressError::Scheme),
            ("https:\\\\example.com", AddressError::Character),
            ("https://example.com/a b", AddressError::Character),
            ("https://example.com/\r\nX: y", AddressError::Character),
            ("https://www.example.com@evil.example", AddressError::UserName),
            ("https://user:password@example.com", AddressError::UserName),
            ("https://", AddressError::Host),
            ("https:///path", AddressError::Host),
            ("https://a..b", AddressError::Host),
            ("https://-a.example", AddressError::Host),
            ("https://*.example.com", AddressError::Host),
            ("https://[::1", AddressError::Port),
            ("https://[zz]", AddressError::Host),
            ("https://한국.example", AddressError::Unicode),
            ("https://example.com:", AddressError::Port),
            ("https://example.com:0", AddressError::Port),
            ("https://example.com:+80", AddressError::Port),
            ("https://example.com:65536", AddressError::Port),
        ];
        for (text, error) in rows {
            assert_eq!(Address::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn loopback_is_three_hosts() {
        for (text, is) in [
            ("http://localhost", true),
            ("http://127.0.0.1:1", true),
            ("http://[::1]", true),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost.example.com", false),
            ("http://0.0.0.0", false),
        ] {
            assert_eq!(Address::parse(text).unwrap().is_loopback(), is, "{text}");
        }
    }
}
