//! The page at `/`: which forms exist, what is missing and the command that sets it, and the HTML to paste. With
//! `DEMO = "on"` (local development only), the forms to try as well.
//!
//! It is public until `HOME = "off"`, so it shows names only: no secret, no value of a setting, no lead.

use std::fmt::Write as _;

use crate::domain::LeadField;
use crate::domain::text::escape_html;
use crate::intake::map::recognize::recognize;
use crate::intake::{Brand, Form, Language, Reply};

use super::labels::Labels;
use super::layout::{Html, Page, Reach};
use super::words::{Words, words};

/// What the page says.
#[derive(Debug)]
pub struct Home<'a> {
    /// The Worker's address, without a path.
    pub origin: &'a str,
    /// Every form.
    pub forms: Vec<HomeForm<'a>>,
    /// What is wrong with the config.
    pub errors: Vec<String>,
    /// The secrets of no form that are missing or not accepted, and why they matter.
    pub unset: Vec<(&'static str, &'static str)>,
    /// Whether the Worker runs on the operator's machine, where secrets are in `.dev.vars`.
    pub is_local: bool,
    /// The forms can be tried; holds a fresh key for what they send.
    pub demo: Option<String>,
    /// The address of the fake CRMs.
    pub crms: Option<&'a str>,
}

/// A form, as the page shows it.
#[derive(Debug)]
pub struct HomeForm<'a> {
    /// Its name in the URL.
    pub name: &'a str,
    /// The form; `None` when its config is wrong.
    pub form: Option<&'a Form>,
    /// Where its leads go: "Salesmap: a lead".
    pub destinations: Vec<String>,
    /// Whether it creates users, who have a first and a last name.
    pub is_user: bool,
    /// The secrets that it needs and that are not set.
    pub unset: Vec<String>,
}

impl<'a> HomeForm<'a> {
    /// A form that leads nowhere yet.
    pub const fn new(name: &'a str, form: Option<&'a Form>) -> Self {
        Self { name, form, destinations: Vec::new(), is_user: false, unset: Vec::new() }
    }

    fn is_ready(&self) -> bool {
        self.form.is_some() && self.unset.is_empty()
    }
}

/// A field of a form: name, type of input, `autocomplete`, example for the demo.
type Field<'a> = (&'a str, &'static str, &'static str, &'static str);

const LEAD_FIELDS: &[Field] = &[
    ("name", "text", "name", "Ada Lovelace"),
    ("email", "email", "email", "ada@example.com"),
    ("phone", "tel", "tel", "+82 10-1234-5678"),
    ("company", "text", "organization", "Analytical Engines"),
    ("message", TEXTAREA, "off", "Hello, I would like an offer."),
];

/// The parameters of a LeadSquared user that a person fills in.
const USER_FIELDS: &[Field] = &[
    ("first_name", "text", "given-name", "Chris"),
    ("last_name", "text", "family-name", "Harris"),
    ("email", "email", "email", "charris@example.com"),
    ("phone", "tel", "tel", "+91-8888888888"),
];

/// A separate element, not a type of `input`.
const TEXTAREA: &str = "textarea";

/// The page at `/`.
pub fn home(home: &Home<'_>, language: Language) -> Reply {
    let words = words(language);
    let mut main = Html::default();
    main.element("h1", PRODUCT).element("p", words.product_line);
    main.raw("<p><a href=\"/console/\">").text(words.console).raw("</a>");
    if let Some(crms) = home.crms {
        main.raw("<br><a").attribute("href", crms).raw(">").text(words.crms).raw("</a>");
    }
    main.raw("</p>\n");
    problems(&mut main, home, words);
    if home.forms.is_empty() {
        main.element("p class=\"card\"", words.no_forms);
    }
    // The first form that works for anyone is in front, the others are folded.
    let front = home.forms.iter().position(|form| form.is_ready() && form.form.is_some_and(Form::is_public));
    for (place, form) in home.forms.iter().enumerate() {
        Section { home, form, place, is_front: front == Some(place), language, words }.write(&mut main);
    }
    if home.demo.is_some() {
        main.raw("<script src=\"/formcourier.js\" defer></script>\n");
    }
    let page = Page { status: 200, title: PRODUCT, language, reach: Reach::Home, layout: "wide", brand: &Brand::NONE };
    page.around(&main)
}

const PRODUCT: &str = "formcourier";

fn problems(main: &mut Html, home: &Home<'_>, words: &Words) {
    if !home.errors.is_empty() {
        main.raw("<section class=\"card\">\n").element("h2 class=\"bad\"", words.config_errors).raw("<ul>\n");
        for error in &home.errors {
            main.element("li", error);
        }
        main.raw("</ul>\n<p>").text(words.check).raw(" <code>");
        main.text(if home.is_local { "make check" } else { "npx formcourier check" }).raw("</code></p>\n</section>\n");
    }
    if !home.unset.is_empty() {
        main.raw("<section class=\"card\">\n").element("h2 class=\"warn\"", words.recommended).raw("<ul>\n");
        for (secret, why) in &home.unset {
            unset(main, secret, Some(why), home.is_local, words);
        }
        main.raw("</ul>\n</section>\n");
    }
}

/// A secret that is not set, and the command that sets it.
fn unset(main: &mut Html, secret: &str, why: Option<&str>, is_local: bool, words: &Words) {
    main.raw("<li><code>").text(secret).raw("</code>: ").text(why.unwrap_or(words.not_set)).raw("<br><code>");
    if is_local {
        main.text(&format!("echo '{secret}=\"…\"' >> .dev.vars"));
    } else {
        main.text(&format!("npx wrangler secret put {secret}"));
    }
    main.raw("</code></li>\n");
}

/// One form.
struct Section<'a> {
    home: &'a Home<'a>,
    form: &'a HomeForm<'a>,
    place: usize,
    is_front: bool,
    language: Language,
    words: &'static Words,
}

impl Section<'_> {
    fn write(&self, main: &mut Html) {
        let Self { home, form, words, .. } = self;
        let (mark, state) = if form.is_ready() { ("good", words.ready) } else { ("bad", words.not_ready) };
        main.raw("<section class=\"card\"").attribute("id", &format!("form-{}", form.name)).raw(">\n<h2>");
        main.text("/f/")
            .text(form.name)
            .raw(" <span class=\"tag ")
            .raw(mark)
            .raw("\">")
            .text(state)
            .raw("</span></h2>\n");
        if !form.destinations.is_empty() {
            main.element("p class=\"hint\"", &form.destinations.join(" · "));
        }
        if !form.unset.is_empty() {
            main.raw("<ul>\n");
            for secret in &form.unset {
                unset(main, secret, None, home.is_local, words);
            }
            main.raw("</ul>\n");
        }
        let Some(config) = form.form else {
            main.element("p", words.broken).raw("</section>\n");
            return;
        };
        if let Some(key) = home.demo.as_ref().filter(|_| self.is_front) {
            self.demo(main, config, key);
        } else if let Some(key) = &home.demo {
            main.raw("<details>").element("summary", words.try_it);
            self.demo(main, config, key);
            main.raw("</details>\n");
        }
        let (title, text) =
            if config.is_public() { (words.to_paste, self.html(config)) } else { (words.to_call, self.curl()) };
        let is_open = self.is_front && home.demo.is_none();
        main.raw(if is_open { "<details open>" } else { "<details>" }).element("summary", title);
        main.element("pre", &text).raw("</details>\n</section>\n");
    }

    const fn known(&self) -> &'static [Field<'static>] {
        if self.form.is_user { USER_FIELDS } else { LEAD_FIELDS }
    }

    /// The form itself, filled in. Nobody types, so the time check would suspect whoever tries it: `_start` is empty.
    fn demo(&self, main: &mut Html, config: &Form, key: &str) {
        let Self { form, place, words, .. } = self;
        main.raw("<form method=\"post\" accept-charset=\"utf-8\"").attribute("action", &format!("/f/{}", form.name));
        if !self.is_front {
            main.raw(" data-formcourier=\"off\"");
        }
        main.raw(">\n");
        let fields = self.known();
        let labels = Labels::of(fields.iter().map(|(name, ..)| *name), self.language);
        for (name, kind, autocomplete, example) in fields {
            let id = format!("d{place}-{name}");
            main.raw("<div>").label(&id, &labels.label(name));
            if *kind == TEXTAREA {
                main.raw("<textarea").attribute("id", &id).attribute("name", name).raw(">\n").text(example);
                main.raw("</textarea></div>\n");
            } else {
                main.raw("<input").attribute("id", &id).attribute("name", name).attribute("type", kind);
                main.attribute("autocomplete", autocomplete).attribute("value", example).raw("></div>\n");
            }
        }
        if !config.is_public() {
            main.raw("<div>").token(&format!("d{place}-token"), words.access_token, None).raw("</div>\n");
        }
        main.hidden("utm_source", "demo").hidden("_id", key).hidden("_start", "");
        main.raw("<button type=\"submit\">").text(words.send).raw("</button>\n</form>\n");
    }

    /// The HTML to paste into a website's page: the usual fields, and those that the config names.
    fn html(&self, config: &Form) -> String {
        let names = self.fields(config);
        let labels = Labels::of(names.iter().map(String::as_str), self.language);
        let action = format!("{}/f/{}", self.home.origin, self.form.name);
        let mut html = format!("<form method=\"post\" action=\"{action}\" accept-charset=\"utf-8\">\n");
        for name in &names {
            let (kind, autocomplete) = match recognize(name) {
                Some(LeadField::Message) => (TEXTAREA, ""),
                meaning => LEAD_FIELDS
                    .iter()
                    .chain(USER_FIELDS)
                    .find(|(known, ..)| meaning.is_some() && recognize(known) == meaning)
                    .map_or(("text", ""), |(_, kind, autocomplete, _)| (*kind, *autocomplete)),
            };
            let _ = write!(html, "  <label>{} ", escape_html(&labels.label(name)));
            let tag = if kind == TEXTAREA { kind } else { "input" };
            let _ = write!(html, "<{tag} name=\"{}\"", escape_html(name));
            if !["text", TEXTAREA].contains(&kind) {
                let _ = write!(html, " type=\"{kind}\"");
            }
            if !autocomplete.is_empty() {
                let _ = write!(html, " autocomplete=\"{autocomplete}\"");
            }
            if config.required.iter().any(|required| is_same(required, name)) {
                html.push_str(" required");
            }
            html.push_str(if kind == TEXTAREA { "></textarea></label>\n" } else { "></label>\n" });
        }
        if let Some(turnstile) = &config.turnstile {
            html.push_str("  <div class=\"cf-turnstile\" data-sitekey=\"YOUR_SITE_KEY\"");
            if let Some(action) = &turnstile.action {
                let _ = write!(html, " data-action=\"{}\"", escape_html(action));
            }
            html.push_str("></div>\n");
        }
        let _ = write!(html, "  <button>{}</button>\n</form>\n", self.words.send);
        if config.turnstile.is_some() {
            html.push_str("<script src=\"https://challenges.cloudflare.com/turnstile/v0/api.js\" defer></script>\n");
        }
        let _ = write!(html, "<script src=\"{}/formcourier.js\" defer></script>", self.home.origin);
        html
    }

    /// The names of the fields to paste: a name from the config replaces the usual one of the same meaning.
    fn fields(&self, config: &Form) -> Vec<String> {
        let own = config.data();
        let mut names: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if names.iter().all(|known| known != name) {
                names.push(name.to_owned());
            }
        };
        for (usual, ..) in self.known() {
            if !own.iter().any(|name| is_same(name, usual)) {
                add(usual);
            }
            own.iter().filter(|name| is_same(name, usual)).for_each(|name| add(name));
        }
        for name in own {
            add(name);
        }
        names
    }

    fn curl(&self) -> String {
        let mut command = "curl -H \"Authorization: Bearer $TOKEN\" -H \"Accept: application/json\"".to_owned();
        for (name, _, _, example) in self.known() {
            let _ = write!(command, " \\\n  --data-urlencode '{name}={example}'");
        }
        let _ = write!(command, " \\\n  {}/f/{}", self.home.origin, self.form.name);
        command
    }
}

/// Whether two fields are one, or mean the same.
fn is_same(one: &str, other: &str) -> bool {
    one == other || recognize(one).is_some_and(|meaning| recognize(other) == Some(meaning))
}

#[cfg(test)]
mod tests;
