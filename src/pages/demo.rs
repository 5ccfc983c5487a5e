//! The demo page: an HTML form per configured form, as a website would have it. Local development only (`DEMO = "on"`).

use crate::intake::{Language, Reply};

use super::labels::Labels;
use super::layout::{Html, Reach, page};
use super::words::words;

/// A configured form as the demo shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoForm<'a> {
    /// Its name in the URL.
    pub name: &'a str,
    /// Its destinations: name, type, record (`sales`, `salesmap`, `lead`).
    pub destinations: Vec<(&'a str, &'a str, &'a str)>,
}

/// A field of a demo form: name, type of input, `autocomplete`, example.
type Field = (&'static str, &'static str, &'static str, &'static str);

const LEAD_FIELDS: &[Field] = &[
    ("name", "text", "name", "Ada Lovelace"),
    ("email", "email", "email", "ada@example.com"),
    ("phone", "tel", "tel", "+82 10-1234-5678"),
    ("company", "text", "organization", "Analytical Engines"),
    ("budget", "text", "off", "5000"),
];

/// The parameters of a LeadSquared user that a person fills in.
const USER_FIELDS: &[Field] = &[
    ("first_name", "text", "given-name", "Chris"),
    ("last_name", "text", "family-name", "Harris"),
    ("email", "email", "email", "charris@example.com"),
    ("phone", "tel", "tel", "+91-8888888888"),
];

/// The demo page.
pub fn demo(forms: &[DemoForm], language: Language) -> Reply {
    let words = words(language);
    let mut main = Html::default();
    main.element("h1", words.demo).element("p class=\"hint\"", words.demo_line);
    if forms.is_empty() {
        main.element("p", words.demo_none);
    }
    for (place, form) in forms.iter().enumerate() {
        section(&mut main, place, form, language);
    }
    page(200, words.demo, language, Reach::Unframed, &main)
}

fn section(main: &mut Html, place: usize, form: &DemoForm<'_>, language: Language) {
    let words = words(language);
    let action = format!("/f/{}", form.name);
    let is_user = form.destinations.iter().any(|(_, _, record)| *record == "user");
    main.element("h2", &action);
    let destinations: Vec<_> =
        form.destinations.iter().map(|(name, crm, record)| format!("{name} ({crm}, {record})")).collect();
    main.element("p class=\"hint\"", &format!("{}: {}", words.goes_to, destinations.join(", ")));
    if is_user {
        main.element("p class=\"hint\"", words.demo_token);
        main.element("pre", &curl(&action));
    }
    main.raw("<form method=\"post\" accept-charset=\"utf-8\"").attribute("action", &action).raw(">\n");
    let fields = if is_user { USER_FIELDS } else { LEAD_FIELDS };
    let labels = Labels::of(fields.iter().map(|(name, ..)| *name).chain(["message"]), language);
    for (name, kind, autocomplete, example) in fields {
        let id = format!("d{place}-{name}");
        // The demo's only field that is not a lead field.
        let label = if *name == "budget" { words.budget.to_owned() } else { labels.label(name) };
        main.label(&id, &label).raw("<input").attribute("id", &id).attribute("name", name).attribute("type", kind);
        main.attribute("autocomplete", autocomplete).attribute("value", example).raw(">\n");
    }
    if is_user {
        main.token(&format!("d{place}-token"), words.access_token, None);
    } else {
        let id = format!("d{place}-message");
        main.label(&id, &labels.label("message")).raw("<textarea").attribute("id", &id);
        main.raw(" name=\"message\">\nHello, I would like an offer.</textarea>\n").hidden("utm_source", "demo");
    }
    main.raw("<button type=\"submit\">").text(words.send).raw("</button>\n</form>\n");
}

fn curl(action: &str) -> String {
    let fields: Vec<_> =
        USER_FIELDS.iter().map(|(name, _, _, example)| format!("--data-urlencode '{name}={example}'")).collect();
    format!(
        "curl -H \"Authorization: Bearer $TOKEN\" -H \"Accept: application/json\" {} http://localhost:8787{action}",
        fields.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::layout::tests::main_of;

    #[test]
    fn a_lead_form_has_an_example_in_each_field() {
        let forms = [DemoForm {
            name: "contact",
            destinations: vec![("sales", "salesmap", "lead"), ("zap", "webhook", "any")],
        }];
        let reply = demo(&forms, Language::En);
        assert_eq!(
            main_of(&reply),
            "<h1>Demo</h1>\n\
             <p class=\"hint\">Every form of this configuration, as a website would have it. Only for local development.</p>\n\
             <h2>/f/contact</h2>\n\
             <p class=\"hint\">Goes to: sales (salesmap, lead), zap (webhook, any)</p>\n\
             <form method=\"post\" accept-charset=\"utf-8\" action=\"/f/contact\">\n\
             <label for=\"d0-name\">Name</label>\n\
             <input id=\"d0-name\" name=\"name\" type=\"text\" autocomplete=\"name\" value=\"Ada Lovelace\">\n\
             <label for=\"d0-email\">Email</label>\n\
             <input id=\"d0-email\" name=\"email\" type=\"email\" autocomplete=\"email\" value=\"ada@example.com\">\n\
             <label for=\"d0-phone\">Phone</label>\n\
             <input id=\"d0-phone\" name=\"phone\" type=\"tel\" autocomplete=\"tel\" value=\"+82 10-1234-5678\">\n\
             <label for=\"d0-company\">Company</label>\n\
             <input id=\"d0-company\" name=\"company\" type=\"text\" autocomplete=\"organization\" value=\"Analytical Engines\">\n\
             <label for=\"d0-budget\">Budget</label>\n\
             <input id=\"d0-budget\" name=\"budget\" type=\"text\" autocomplete=\"off\" value=\"5000\">\n\
             <label for=\"d0-message\">Message</label>\n\
             <textarea id=\"d0-message\" name=\"message\">\nHello, I would like an offer.</textarea>\n\
             <input type=\"hidden\" name=\"utm_source\" value=\"demo\">\n\
             <button type=\"submit\">Send</button>\n</form>\n"
        );
        assert!(reply.header("Content-Security-Policy").unwrap().ends_with("frame-ancestors 'none'"));
    }

    #[test]
    fn a_user_form_asks_for_the_token() {
        let forms = [DemoForm { name: "staff", destinations: vec![("ls", "leadsquared", "user")] }];
        let reply = demo(&forms, Language::Ko);
        let names: Vec<_> =
            main_of(&reply).split(" name=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(names, ["first_name", "last_name", "email", "phone", "_token"]);
        let labels: Vec<_> =
            main_of(&reply).split("<label ").skip(1).filter_map(|rest| rest.split(['>', '<']).nth(1)).collect();
        assert_eq!(labels, ["이름", "성", "이메일", "전화번호", "액세스 토큰"]);
        assert!(main_of(&reply).contains(
            "<pre>curl -H &quot;Authorization: Bearer $TOKEN&quot; -H &quot;Accept: application/json&quot; --data-urlencode &#39;first_name=Chris&#39; --data-urlencode &#39;last_name=Harris&#39; \
             --data-urlencode &#39;email=charris@example.com&#39; --data-urlencode &#39;phone=+91-8888888888&#39; http://localhost:8787/f/staff</pre>"
        ));
    }

    #[test]
    fn without_forms_the_page_says_how_to_add_one() {
        assert_eq!(
            main_of(&demo(&[], Language::Ko)),
            "<h1>데모</h1>\n<p class=\"hint\">설정된 모든 양식을 웹사이트에서처럼 보여 줍니다. 로컬 개발에서만 쓰입니다.</p>\n\
             <p>설정된 양식이 아직 없습니다. wrangler.toml에 [vars.FORM_CONTACT]를 추가하세요.</p>\n"
        );
    }
}
