//! The page at `/`: what it says in each state, and the HTML that it offers.

use serde_json::{Value, json};

use super::*;
use crate::domain::settings::Reader;
use crate::intake::form::Known;
use crate::pages::layout::tests::main_of;

struct Anything;

impl Known for Anything {
    fn names(&self) -> Vec<&str> {
        vec!["crm"]
    }

    fn needs_token(&self, _: &str) -> bool {
        false
    }
}

fn form(mut table: Value) -> Form {
    table["destinations"] = json!("crm");
    let mut errors = Vec::new();
    let form = Form::read(
        "contact",
        "CONTACT_TOKEN".into(),
        Reader::new("FORM_CONTACT", table.as_object().unwrap(), &mut errors),
        &Anything,
    );
    assert_eq!(errors, []);
    form
}

fn shown<'a>(form: Option<&'a Form>, unset: &[&str]) -> HomeForm<'a> {
    let unset = unset.iter().map(|name| (*name).to_owned()).collect();
    HomeForm { name: "contact", form, destinations: vec!["Salesmap: a lead".into()], is_user: false, unset }
}

fn page(forms: Vec<HomeForm<'_>>, change: fn(&mut Home<'_>)) -> String {
    let origin = "https://forms.example.com";
    let mut page =
        Home { origin, forms, errors: Vec::new(), unset: Vec::new(), is_local: false, demo: None, crms: None };
    change(&mut page);
    let reply = home(&page, Language::En);
    assert!(reply.header("Content-Security-Policy").unwrap().ends_with("frame-ancestors 'none'"));
    main_of(&reply).to_owned()
}

/// The text of the only `<pre>`, as a browser shows it.
fn pre(page: &str) -> String {
    let text = page.split("<pre>").nth(1).and_then(|rest| rest.split("</pre>").next()).unwrap();
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[test]
fn a_form_is_ready_or_says_what_is_missing_and_the_command_that_sets_it() {
    let contact = form(json!({}));
    let ready = page(vec![shown(Some(&contact), &[])], |_| {});
    assert!(ready.contains("<h2>/f/contact <span class=\"tag good\">Ready</span></h2>\n<p class=\"hint\">Salesmap: a lead</p>\n<details open>"), "{ready}");
    let unset = || vec![shown(Some(&contact), &["SALESMAP_TOKEN"])];
    let deployed = page(unset(), |_| {});
    let local = page(unset(), |home| home.is_local = true);
    for (page, command) in [
        (&deployed, "npx wrangler secret put SALESMAP_TOKEN"),
        (&local, "echo &#39;SALESMAP_TOKEN=&quot;…&quot;&#39; &gt;&gt; .dev.vars"),
    ] {
        assert!(page.contains("<span class=\"tag bad\">Not ready</span>"), "{page}");
        assert!(
            page.contains(&format!("<li><code>SALESMAP_TOKEN</code>: is not set<br><code>{command}</code></li>")),
            "{page}"
        );
    }
    let broken = page(vec![shown(None, &[])], |home| {
        home.errors.push("FORM_CONTACT required".into());
        home.unset.push(("ADMIN_TOKEN", "without it you see nothing"));
    });
    for part in [
        "<li>FORM_CONTACT required</li>",
        "<code>npx formcourier check</code>",
        "<li><code>ADMIN_TOKEN</code>: without it you see nothing<br><code>npx wrangler secret put ADMIN_TOKEN</code></li>",
        "Its configuration has an error",
    ] {
        assert!(broken.contains(part), "{part}: {broken}");
    }
    assert!(page(vec![], |_| {}).contains("No form is configured yet."));
}

#[test]
fn the_html_to_paste_has_the_usual_fields_and_those_that_the_config_names() {
    let usual = form(json!({ "required": "email" }));
    assert_eq!(
        pre(&page(vec![shown(Some(&usual), &[])], |_| {})),
        "<form method=\"post\" action=\"https://forms.example.com/f/contact\" accept-charset=\"utf-8\">
  <label>Name <input name=\"name\" autocomplete=\"name\"></label>
  <label>Email <input name=\"email\" type=\"email\" autocomplete=\"email\" required></label>
  <label>Phone <input name=\"phone\" type=\"tel\" autocomplete=\"tel\"></label>
  <label>Company <input name=\"company\" autocomplete=\"organization\"></label>
  <label>Message <textarea name=\"message\"></textarea></label>
  <button>Send</button>
</form>
<script src=\"https://forms.example.com/formcourier.js\" defer></script>"
    );
    let own = form(json!({
        "required": ["연락처", "b\"<"],
        "map": { "message": { "template": "{문의} {topic}" } },
        "turnstile": { "hostnames": "www.example.com", "action": "contact" },
    }));
    let html = pre(&page(vec![shown(Some(&own), &[])], |_| {}));
    for part in [
        "<label>연락처 <input name=\"연락처\" type=\"tel\" autocomplete=\"tel\" required></label>",
        "<label>B&quot;&lt; <input name=\"b&quot;&lt;\" required></label>",
        "<label>문의 <textarea name=\"문의\"></textarea></label>",
        "<label>Topic <input name=\"topic\"></label>",
        "<div class=\"cf-turnstile\" data-sitekey=\"YOUR_SITE_KEY\" data-action=\"contact\"></div>",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    assert_eq!(html.matches("type=\"tel\"").count(), 1, "{html}");
    let staff = form(json!({ "access": "token" }));
    let command = pre(&page(vec![HomeForm { is_user: true, ..shown(Some(&staff), &[]) }], |_| {}));
    assert!(command.starts_with("curl -H \"Authorization: Bearer $TOKEN\""), "{command}");
    assert!(
        command.ends_with("--data-urlencode 'phone=+91-8888888888' \\\n  https://forms.example.com/f/contact"),
        "{command}"
    );
}

#[test]
fn the_demo_has_one_form_in_front_and_folds_the_others() {
    let (staff, contact) = (form(json!({ "access": "token" })), form(json!({})));
    let forms = vec![
        HomeForm { name: "staff", ..shown(Some(&staff), &[]) },
        HomeForm { name: "unset", ..shown(Some(&contact), &["X"]) },
        shown(Some(&contact), &[]),
        HomeForm { name: "second", ..shown(Some(&contact), &[]) },
    ];
    let page = page(forms, |home| {
        home.demo = Some("0198".into());
        home.crms = Some("http://127.0.0.1:8788");
    });
    assert!(page.contains("<br><a href=\"http://127.0.0.1:8788\">Open the fake CRMs"), "{page}");
    let sections: Vec<_> = page.split("<section ").skip(1).collect();
    let is_open: Vec<_> = sections.iter().map(|section| section.find("<form ") < section.find("<details>")).collect();
    assert_eq!(is_open, [false, false, true, false]);
    for (section, is_open) in sections.iter().zip(is_open) {
        assert_eq!(section.contains("data-formcourier=\"off\""), !is_open);
        assert!(section.contains("name=\"_id\" value=\"0198\">\n<input type=\"hidden\" name=\"_start\" value=\"\">"));
    }
    assert!(sections[0].contains("name=\"_token\"") && !sections[2].contains("name=\"_token\""));
    assert!(page.ends_with("<script src=\"/formcourier.js\" defer></script>\n"));
}
