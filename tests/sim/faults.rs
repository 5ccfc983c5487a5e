//! What goes wrong between an Outbox and a vendor, drawn per destination and time from the seed.

use fakes::Response;
use formcourier::connectors::Safety;

use crate::random::Random;

/// What a destination goes through for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Calm,
    /// Any single fault now and then.
    Flaky,
    Refused,
    Hangs,
    /// A gateway's error page; some requests get through behind it.
    Gateway,
    /// A sign-in page, a redirect, an empty body, a proxy's JSON: always something that is not the API.
    Foreign,
    /// The vendor's own 500, before or after it has done its work.
    Failing,
    Throttled,
    Revoked,
    ReadOnly,
}

impl Weather {
    pub const BAD: [Self; 9] = [
        Self::Flaky,
        Self::Refused,
        Self::Hangs,
        Self::Gateway,
        Self::Foreign,
        Self::Failing,
        Self::Throttled,
        Self::Revoked,
        Self::ReadOnly,
    ];
}

/// What happens to one call.
#[derive(Debug, Clone)]
pub enum Fate {
    Through,
    /// The vendor is slow, and still in time.
    Slow,
    /// It never arrives; the sender knows at once, or after its timeout.
    Lost {
        at_once: bool,
    },
    /// It arrives, and its response does not.
    NoReply {
        at_once: bool,
    },
    /// It arrives after the sender has given up.
    Late,
    /// It arrives twice; the first response counts, or the second.
    Twice,
    /// The body is damaged on its way: cut off, or with other bytes in it.
    Damaged {
        cut: bool,
    },
    /// Something else answers in front of the vendor, which has got the request or not.
    Replaced {
        by: Response,
        arrives: bool,
    },
    /// The vendor rejects the key, with its own status or this one.
    WrongKey {
        status: Option<u16>,
    },
    /// The vendor says 500 in its own format after it has done its work, or before.
    OwnError {
        arrives: bool,
    },
}

const SIGN_IN: &str = "<!doctype html><title>Sign in</title><form><input name=password></form>";

fn foreign(random: &mut Random) -> Response {
    let status = *random.pick(&[200, 200, 201, 204, 301, 302, 400, 401, 403, 404, 409, 422, 502, 503]);
    let response = match random.between(0, 5) {
        0 => Response::html(status, SIGN_IN),
        1 => Response { status, headers: Vec::new(), body: String::new() },
        2 => Response::json(status, serde_json::json!({ "error": "forbidden" })),
        3 => Response::json(status, serde_json::json!({ "message": "no", "status": status })),
        _ => Response::html(status, "<h1>Request blocked</h1>"),
    };
    if (300..400).contains(&status) { response.with("Location", "https://login.example.com/") } else { response }
}

fn throttled(random: &mut Random) -> Response {
    let response = Response::html(429, "slow down");
    match random.between(0, 4) {
        0 => response,
        1 => response.with("Retry-After", random.between(0, 300).to_string()),
        2 => response.with("Retry-After", "40000"),
        _ => response.with("X-RateLimit-Reset", random.between(1, 60).to_string()),
    }
}

/// What happens to a call in this weather.
pub fn fate(weather: Weather, safety: Safety, random: &mut Random) -> Fate {
    match weather {
        Weather::Calm if random.one_in(50) => Fate::Slow,
        Weather::Calm => Fate::Through,
        Weather::Refused => Fate::Lost { at_once: true },
        Weather::Hangs if random.one_in(3) => Fate::NoReply { at_once: false },
        Weather::Hangs => Fate::Lost { at_once: false },
        Weather::Gateway if random.one_in(4) => Fate::Through,
        Weather::Gateway => {
            let by = Response::html(*random.pick(&[502, 503, 504, 520]), "<h1>Bad gateway</h1>");
            Fate::Replaced { by, arrives: random.one_in(2) }
        }
        Weather::Foreign => Fate::Replaced { by: foreign(random), arrives: random.one_in(2) },
        Weather::Failing => Fate::OwnError { arrives: random.one_in(2) },
        Weather::Throttled => Fate::Replaced { by: throttled(random), arrives: false },
        Weather::Revoked => Fate::WrongKey { status: None },
        Weather::ReadOnly if safety == Safety::Read => Fate::Through,
        Weather::ReadOnly => Fate::WrongKey { status: Some(403) },
        Weather::Flaky => match random.between(0, 16) {
            0 => Fate::Lost { at_once: random.one_in(2) },
            1 | 2 => Fate::NoReply { at_once: random.one_in(2) },
            3 => Fate::Late,
            // Nobody can help a create that the network itself repeats.
            4 if safety != Safety::Create => Fate::Twice,
            5 => Fate::Damaged { cut: random.one_in(2) },
            6 => Fate::Replaced { by: foreign(random), arrives: random.one_in(2) },
            7 => Fate::OwnError { arrives: random.one_in(2) },
            8 => Fate::Replaced { by: throttled(random), arrives: false },
            9 => Fate::Slow,
            _ => Fate::Through,
        },
    }
}

/// A body that was damaged on its way; never valid JSON any more.
pub fn damage(body: &str, cut: bool, random: &mut Random) -> String {
    if cut {
        let half = usize::try_from(random.between(0, i64::try_from(body.len()).unwrap_or(1))).unwrap_or(0);
        return body.chars().take(half).collect();
    }
    format!("{}\u{0}{}", &body.chars().take(3).collect::<String>(), body.chars().skip(5).collect::<String>())
}

#[derive(Debug, Clone, Default)]
pub struct Forecast(pub Vec<(i64, i64, Weather)>);

impl Forecast {
    /// Bad weather up to `end`.
    pub fn new(start: i64, end: i64, random: &mut Random) -> Self {
        let mut spells = Vec::new();
        for _ in 0..random.between(0, 4) {
            let from = random.between(start, end);
            // Many outages are short, some last until the faults end.
            let longest = *random.pick(&[5_000, 60_000, 600_000, 3_600_000, end - start]);
            spells.push((from, (from + random.between(1, longest.max(2))).min(end), *random.pick(&Weather::BAD)));
        }
        if random.one_in(3) {
            spells.push((start, end, Weather::Flaky));
        }
        Self(spells)
    }

    pub fn at(&self, now: i64) -> Weather {
        let spell = self.0.iter().find(|(from, until, _)| (*from..*until).contains(&now));
        spell.map_or(Weather::Calm, |(_, _, weather)| *weather)
    }
}
