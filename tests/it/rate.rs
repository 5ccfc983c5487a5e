//! The rate limit under the real Worker, with a limiter whose period never ends.

use fakes::stateset::StateSet;
use serde_json::json;

use crate::world::{Reply, World, quick};

fn world(rates: &[(&str, i32)]) -> World {
    let vars = json!({
        "FORM_A": { "destinations": "crm", "required": "email" },
        "FORM_B": { "destinations": "crm" },
        "FORM_SERVER": { "destinations": "crm", "access": "token" },
        "DESTINATION_CRM": quick(json!({ "type": "stateset" })),
    });
    let secrets = [("CRM_API_KEY", "sk_test_1"), ("SERVER_TOKEN", "s")];
    World::limited(&vars, &secrets, vec![Box::new(StateSet::new("sk_test_1"))], rates)
}

fn post(world: &World, form: &str, address: &str, accept: &str, body: &str) -> Reply {
    let headers = [
        ("accept", accept),
        ("content-type", "application/x-www-form-urlencoded"),
        ("cf-connecting-ip", address),
        ("authorization", "Bearer s"),
    ];
    world.send("POST", &format!("/f/{form}"), &headers, body.as_bytes())
}

fn statuses(world: &World, rows: &[(&str, &str)]) -> Vec<u16> {
    rows.iter().map(|(form, address)| post(world, form, address, "application/json", "email=a%40b.co").status).collect()
}

#[test]
fn each_address_has_a_limit_per_form_and_an_ipv6_network_is_one_address() {
    let world = world(&[("ADDRESS_RATE", 2), ("FORM_RATE", 100)]);
    let rows = [
        ("a", "203.0.113.7"),
        ("a", "203.0.113.7"),
        ("a", "203.0.113.7"),
        ("a", "203.0.113.8"),
        ("b", "203.0.113.7"),
        ("a", "2001:db8::1"),
        ("a", "2001:db8::2"),
        ("a", "2001:db8::3"),
        ("a", "2001:db8:0:1::3"),
    ];
    assert_eq!(statuses(&world, &rows), [200, 200, 429, 200, 200, 200, 200, 429, 200]);
}

#[test]
fn many_networks_of_one_ipv6_client_have_a_limit_together() {
    let world = world(&[("ADDRESS_RATE", 2), ("NETWORK_RATE", 3)]);
    let address = |site: u32, network: u32| format!("2001:db8:{site}:{network}::1");
    let rows: Vec<String> = (1..=4).map(|network| address(1, network)).chain([address(2, 1)]).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|address| ("a", address.as_str())).collect();
    assert_eq!(statuses(&world, &rows), [200, 200, 200, 429, 200]);
}

#[test]
fn refused_posts_have_a_limit_of_their_own_and_then_are_not_read() {
    let world = world(&[("ADDRESS_RATE", 10), ("NETWORK_RATE", 2)]);
    let post = |address: &str, body: &str| post(&world, "a", address, "application/json", body).status;
    for expected in [422, 422, 422, 429, 429] {
        assert_eq!(post("203.0.113.1", "email=nobody"), expected);
    }
    assert_eq!((post("203.0.113.1", "email=a%40b.co"), post("203.0.113.2", "email=a%40b.co")), (429, 200));
}

#[test]
fn beyond_a_forms_limit_leads_are_quarantined_and_beyond_five_times_refused() {
    let world = world(&[("ADDRESS_RATE", 1), ("FORM_RATE", 3)]);
    let rows = [
        ("a", "203.0.113.1"),
        ("a", "203.0.113.1"),
        ("a", "203.0.113.1"),
        ("a", "203.0.113.2"),
        ("a", "203.0.113.3"),
        ("a", "203.0.113.4"),
        ("b", "203.0.113.4"),
    ];
    // What is over the address's limit does not count for the form.
    assert_eq!(statuses(&world, &rows), [200, 429, 429, 200, 200, 200, 200]);
    let view = world.newest("a");
    assert_eq!((&view["reasons"], &view["deliveries"][0]["state"]), (&json!(["over_limit"]), &json!("quarantined")));
    let rows: Vec<String> = (5..=17).map(|number| format!("203.0.113.{number}")).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|address| ("a", address.as_str())).collect();
    assert_eq!(statuses(&world, &rows), [[200; 11].as_slice(), &[429; 2]].concat());
}

#[test]
fn a_429_names_the_wait_and_keeps_the_text() {
    let world = world(&[("FORM_RATE", 0)]);
    let reply = post(&world, "a", "203.0.113.1", "application/json", "email=a%40b.co");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("60")));
    assert_eq!(reply.json()["error"], "TOO_MANY_REQUESTS");
    let page = post(&world, "a", "203.0.113.1", "text/html", "email=a%40b.co&message=A+long+story");
    assert_eq!((page.status, page.header("retry-after")), (429, Some("60")));
    assert!(page.body.contains(">\nA long story</textarea>") && page.body.contains("type=\"submit\""), "{}", page.body);
}

#[test]
fn the_binding_form_rate_is_not_read_as_a_form() {
    let world = world(&[("FORM_RATE", 5), ("ADDRESS_RATE", 5)]);
    assert_eq!(statuses(&world, &[("a", "203.0.113.1"), ("rate", "203.0.113.1")]), [200, 404]);
    assert!(!world.worker.log().contains("config_error"), "{}", world.worker.log());
}

#[test]
fn invalid_submissions_do_not_count_and_token_holders_have_no_limit() {
    let world = world(&[("ADDRESS_RATE", 1), ("FORM_RATE", 1)]);
    for _ in 0..3 {
        assert_eq!(post(&world, "a", "203.0.113.1", "application/json", "email=nobody").status, 422);
    }
    assert_eq!(statuses(&world, &[("a", "203.0.113.1"), ("a", "203.0.113.1")]), [200, 429]);
    assert_eq!(statuses(&world, &[("server", "203.0.113.1"); 3]), [200; 3]);
}

#[test]
fn a_broken_or_missing_limiter_lets_submissions_through() {
    let failing = world(&[("ADDRESS_RATE", -1), ("FORM_RATE", -1)]);
    assert_eq!(statuses(&failing, &[("a", "203.0.113.1")]), [200]);
    assert!(failing.worker.log().contains("ADDRESS_RATE"), "{}", failing.worker.log());
    let missing = world(&[]);
    assert_eq!(statuses(&missing, &[("a", "203.0.113.1")]), [200]);
}
