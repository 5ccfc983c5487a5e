//! `access = "token"`: a staff form takes its token as a bearer or as a field, and refuses posts without it.

use serde_json::{Value, json};

use crate::intake::{BROWSER, FORM, JSON, PARTS, THANKS, accepted, parts, refusal, world_with};
use crate::page::form_of;
use crate::world::World;

const TOKEN: &str = "the-staff-token";
const REFUSED: &str = "The access token of this form is missing or wrong. Please check it and send it again.";

fn staff(token: &str) -> World {
    let forms = json!({ "FORM_STAFF": { "access": "token", "required": ["email"] }, "FORM_CONTACT": {} });
    world_with(&forms, &[("STAFF_TOKEN", token)])
}

#[test]
fn the_token_opens_the_form() {
    let world = staff(TOKEN);
    let next = format!("http://{}/f/staff/thanks", world.worker.address);
    let bearer = format!("Bearer {TOKEN}");
    let lower = format!("bearer  {TOKEN} ");
    for authorization in [&bearer, &lower] {
        let headers = [("accept", JSON), ("content-type", FORM), ("authorization", authorization.as_str())];
        let reply = world.send("POST", "/f/staff", &headers, b"email=ada@example.com");
        accepted(&reply, THANKS, &next);
    }
    let in_parts = parts(&[("name=\"email\"", "ada@example.com"), ("name=\"_token\"", TOKEN)]);
    let in_json = json!({ "email": "ada@example.com", "_token": TOKEN }).to_string();
    let bodies = [(FORM, format!("email=ada@example.com&_token={TOKEN}")), (PARTS, in_parts), (JSON, in_json)];
    for (content_type, body) in bodies {
        let id = accepted(&world.post_json("staff", content_type, body), THANKS, &next);
        let (fields, empty) = (json!({ "email": "ada@example.com" }), json!({}));
        world.assert_delivered("staff", &id, &fields, &fields, &empty);
    }
    assert_eq!(world.stored("staff").len(), 5);
    assert!(!world.worker.log().contains(TOKEN));
    assert!(world.stored("staff").iter().all(|view| !view.to_string().contains(TOKEN)));
}

/// Pasted secrets keep their spaces, and files end with a line break.
#[test]
fn white_space_around_the_secret_is_no_part_of_the_token() {
    let world = staff(&format!(" {TOKEN}\r\n"));
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("accept", JSON), ("content-type", FORM), ("authorization", bearer.as_str())];
    assert_eq!(world.send("POST", "/f/staff", &headers, b"email=ada@example.com").status, 200);
    let body = format!("email=bob@example.com&_token={TOKEN}");
    assert_eq!(world.post_json("staff", FORM, body).status, 200);
    assert_eq!(world.post_json("staff", FORM, "email=eve@example.com&_token=").status, 401);
}

#[test]
fn without_the_token_nothing_is_said_about_the_body() {
    let world = staff(TOKEN);
    let (missing, check) = (refusal("UNAUTHORIZED", REFUSED, &[]), "Please check the access token.");
    let wrong = refusal("UNAUTHORIZED", REFUSED, &[("UNAUTHORIZED", "_token", check)]);
    let almost = format!("Bearer {TOKEN}x");
    let basic = format!("Basic {TOKEN}");
    let rows: &[(Option<&str>, &str)] = &[
        (None, "email=ada@example.com"),
        (None, "email=ada@example.com&_token="),
        (None, "email=ada@example.com&_token=wrong"),
        (None, "email=ada@example.com&token=the-staff-token"),
        (Some("Bearer wrong"), "email=ada@example.com"),
        (Some("Bearer "), "email=ada@example.com"),
        (Some(TOKEN), "email=ada@example.com"),
        (Some(&almost), "email=ada@example.com"),
        (Some(&basic), "email=ada@example.com"),
        // Strangers learn nothing about errors in the body.
        (None, "email=nobody"),
        (None, ""),
    ];
    for (authorization, body) in rows {
        let mut headers = vec![("accept", JSON), ("content-type", FORM)];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let reply = world.send("POST", "/f/staff", &headers, body.as_bytes());
        let expected = if body.ends_with("_token=wrong") { &wrong } else { &missing };
        assert_eq!((reply.status, &reply.json()), (401, expected), "{authorization:?} {body}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    let page = world.post_page("staff", FORM, "email=ada@example.com");
    assert_eq!((page.status, form_of(&page)), (401, None));
    assert_eq!(world.stored("staff"), [Value::Null; 0]);
    assert_eq!(world.fakes.requests("webhook"), []);
}

#[test]
fn a_wrong_token_of_an_html_form_is_given_again_on_the_page() {
    let world = staff(TOKEN);
    let page = world.post_page("staff", FORM, "email=ada@example.com&_token=wrong");
    assert_eq!(page.status, 401);
    assert!(!page.body.contains("value=\"wrong\""), "the token does not come back: {}", page.body);
    assert!(page.body.contains("aria-invalid=\"true\" aria-describedby=\"token-wrong\""), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    let form = || form_of(&page).expect("a form to send again");
    assert_eq!(form().typed("_token", "wrong again").send(&world).status, 401);
    let reply = form().typed("_token", TOKEN).send(&world);
    assert_eq!((reply.status, reply.header("location")), (303, Some("/f/staff/thanks")));
    assert_eq!(world.newest("staff")["fields"], json!([["email", "ada@example.com"]]));
}

#[test]
fn the_page_of_a_mistake_asks_for_the_token_again() {
    let world = staff(TOKEN);
    let page = world.post_page("staff", FORM, format!("email=nobody&_token={TOKEN}"));
    assert_eq!(page.status, 422);
    assert!(!page.body.contains(TOKEN), "{}", page.body);
    let form = form_of(&page).expect("a form to send again");
    let fields = [("email", "nobody"), ("_token", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form.fields, fields);
    let reply = form.typed("email", "ada@example.com").typed("_token", TOKEN).send(&world);
    assert_eq!((reply.status, reply.header("location")), (303, Some("/f/staff/thanks")));
    assert_eq!(world.stored("staff")[0]["fields"], json!([["email", "ada@example.com"]]));
}

#[test]
fn without_the_secret_the_form_is_out_of_order_and_the_others_work() {
    for unset in ["", "   "] {
        let world = staff(unset);
        let broken = "This form is out of order at the moment. Please try again later.";
        for authorization in ["Bearer ", "Bearer x", "Bearer    "] {
            let headers = [("accept", JSON), ("content-type", FORM), ("authorization", authorization)];
            let reply = world.send("POST", "/f/staff", &headers, b"email=ada@example.com&_token=");
            assert_eq!((reply.status, reply.json()), (503, refusal("INACTIVE", broken, &[])), "{authorization:?}");
        }
        let headers = [("accept", BROWSER), ("content-type", FORM)];
        assert_eq!(world.send("POST", "/f/staff", &headers, b"email=ada@example.com").status, 503);
        let line = r#"{"event":"failure","what":"authorize","form":"staff","error":"the secret STAFF_TOKEN is not set: run `npx wrangler secret put STAFF_TOKEN`"}"#;
        assert!(world.worker.log().contains(line), "{}", world.worker.log());
        assert_eq!(world.stored("staff"), [Value::Null; 0]);
        world.submit("contact", "name=Ada");
    }
}
