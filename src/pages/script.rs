//! `GET /formcourier.js`: the optional script for a website's page. `make build` minifies `formcourier.js` to
//! `formcourier.min.js`, which is served; a test compares the two.
//!
//! The address never changes, so caches keep the script for a day and then revalidate it with the `ETag`.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::intake::Reply;

const SCRIPT: &str = include_str!("formcourier.min.js");

static ETAG: LazyLock<String> =
    LazyLock::new(|| format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(SCRIPT)[..12])));

/// The script, or 304 if `If-None-Match` names it.
pub fn script(if_none_match: Option<&str>) -> Reply {
    let known = if_none_match.is_some_and(is_current);
    let headers = vec![
        ("Content-Type", "text/javascript; charset=utf-8".to_owned()),
        ("ETag", ETAG.clone()),
        ("Cache-Control", "public, max-age=86400, stale-while-revalidate=604800".to_owned()),
        // Any page may load it, with `crossorigin` or without, isolated or not.
        ("Access-Control-Allow-Origin", "*".to_owned()),
        ("Cross-Origin-Resource-Policy", "cross-origin".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
    ];
    Reply {
        status: if known { 304 } else { 200 },
        headers,
        body: if known { String::new() } else { SCRIPT.to_owned() },
    }
}

/// `If-None-Match` is a list, and a proxy that compresses the body makes the `ETag` weak.
fn is_current(if_none_match: &str) -> bool {
    if_none_match.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == ETAG.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sent_once_and_then_revalidated_by_its_etag() {
        let reply = script(None);
        assert_eq!((reply.status, reply.body.as_str()), (200, SCRIPT));
        let names: Vec<_> = reply.headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "Content-Type",
                "ETag",
                "Cache-Control",
                "Access-Control-Allow-Origin",
                "Cross-Origin-Resource-Policy",
                "X-Content-Type-Options",
            ]
        );
        let etag = reply.header("ETag").unwrap();
        for (asked, status) in [
            (etag.to_owned(), 304),
            (format!("W/{etag}"), 304),
            (format!("\"other\", {etag}"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
            (etag.trim_matches('"').to_owned(), 200),
            (String::new(), 200),
        ] {
            let reply = script(Some(&asked));
            assert_eq!((reply.status, reply.body.is_empty()), (status, status == 304), "{asked}");
            assert_eq!(reply.header("ETag"), Some(etag), "{asked}");
        }
    }
}
