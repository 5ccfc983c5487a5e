//! What `make check` says, compared whole.

use super::*;

const OUTBOX: &str = "durable_objects.bindings = [{ name = \"OUTBOX\", class_name = \"Outbox\" }]\n";

/// What else a Worker needs.
const REST: &str = r#"
[[migrations]]
tag = "v1"
new_sqlite_classes = ["Outbox"]
[triggers]
crons = ["*/5 * * * *"]
[[ratelimits]]
name = "FORM_RATE"
[[ratelimits]]
name = "ADDRESS_RATE"
"#;

pub(super) const HOOK: &str = "crm = \"webhook\"\nurl = \"https://hooks.example.com\"\n";

/// Errors and warnings of `OUTBOX`, `text` and `REST`; so the first line of `text` is line 2.
pub(super) fn findings(text: &str) -> (Vec<String>, Vec<String>) {
    shown(&format!("{OUTBOX}{text}{REST}"))
}

/// Errors and warnings of a whole file.
fn shown(text: &str) -> (Vec<String>, Vec<String>) {
    let report = check(text);
    let shown = |findings: &[Finding]| findings.iter().map(|finding| finding.at("w")).collect();
    (shown(&report.errors), shown(&report.warnings))
}

#[test]
fn a_right_config_is_summed_up_with_its_secrets() {
    let report = check(&format!(
        "{OUTBOX}
[vars.FORM_A]
destinations = [\"crm\"]
[vars.FORM_STAFF]
destinations = [\"crm\"]
access = \"token\"
[vars.DESTINATION_CRM]
crm = \"stateset\"
{REST}
[env.staging]
{OUTBOX}
ratelimits = [{{ name = \"FORM_RATE\" }}, {{ name = \"ADDRESS_RATE\" }}]
[env.staging.vars.FORM_A]
destinations = [\"hook\"]
[env.staging.vars.DESTINATION_HOOK]
{HOOK}"
    ));
    assert_eq!((report.errors, report.warnings), (vec![], vec![]));
    let shown: Vec<_> = report.environments.iter().map(|e| (e.summary(), e.secrets_to_set())).collect();
    assert_eq!(
        shown,
        [
            (
                "2 forms, 1 destination: right".to_owned(),
                "expects these secrets; set each once with `npx wrangler secret put NAME` (locally: in .dev.vars):\n  \
                 CRM_API_KEY  DESTINATION_CRM: the StateSet API key (sk_live_ or sk_test_), from settings > API keys\n  \
                 STAFF_TOKEN  FORM_STAFF: the token that callers of this form send as `Authorization: Bearer`; any long \
                 random text\n"
                    .to_owned()
            ),
            (
                "[env.staging] 1 form, 1 destination: right".to_owned(),
                "[env.staging] expects these secrets; set each once with `npx wrangler secret put NAME --env staging` \
                 (locally: in .dev.vars):\n  HOOK_SIGNING_SECRET  DESTINATION_HOOK: the key that signs the webhook: whsec_ \
                 and the base64 of 24 to 64 random bytes\n"
                    .to_owned()
            ),
        ]
    );
}

#[test]
fn mistakes_have_the_line_of_their_key_in_every_environment() {
    let (errors, warnings) = findings(
        r#"[vars.FORM_A]
map.phone = 5
destinations = ["crm", "nowhere"]
[vars.DESTINATION_CRM]
crm = "stateset"
[vars.DESTINATION_CRM.fields]
"a.b" = "{x}"
[env.staging.vars]
FORM_B = { redirect = "x" }
[[env.staging.ratelimits]]
name = "FORM_RATE"
[[env.staging.ratelimits]]
name = "ADDRESS_RATE"
"#,
    );
    assert_eq!(
        errors,
        [
            "w:3: FORM_A: map.phone: found 5; it takes a form field, a list of them, { value = \"a constant\" } or { \
             template = \"{utm_source|direct}\" }",
            "w:4: FORM_A: destinations: \"nowhere\" is not a destination; known here: crm",
            "w:8: DESTINATION_CRM: fields.a.b: StateSet has no such writable field; it has: firstName, lastName, email, \
             phone, title, department, leadSource, description, mailingStreet, mailingCity, mailingState, \
             mailingCountry, do_not_call, email_opt_out",
            "w:9: [env.staging] has no Outbox; add [[env.staging.durable_objects.bindings]] with name = \"OUTBOX\" and \
             class_name = \"Outbox\"",
            "w:10: [env.staging] FORM_B: destinations: is missing; it takes the names of destinations: none is \
             configured",
            "w:10: [env.staging] FORM_B: redirect: the address does not begin with https:// or http://; it takes \
             \"https://www.example.com/thanks\" or a path as in \"/thanks\"",
        ]
    );
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn secrets_and_local_vars_do_not_stand_in_the_file() {
    let secret = |name: &str, env: &str| {
        format!(
            "{name}: is a secret and does not belong in a file; run `npx wrangler secret put {name}{env}` and remove it \
             here"
        )
    };
    let (errors, warnings) = findings(
        r#"[vars]
DEMO = "on"
CRM_ORIGIN = "http://127.0.0.1:8788"
SALESMAP_TOKEN = "s3cret"
ALERT_WEBHOOK_URL = "https://s3cret.example.com"
TURNSTILE_SITE_KEY = "public"
salesmap_token = "s3cret"
[env.x.vars]
LS_ACCESS_KEY = "s3cret"
"#,
    );
    assert_eq!(
        errors,
        [
            "w:3: DEMO: is for local development only; it belongs in .dev.vars".to_owned(),
            "w:4: CRM_ORIGIN: is for local development only; it belongs in .dev.vars".to_owned(),
            format!("w:5: {}", secret("SALESMAP_TOKEN", "")),
            format!("w:6: {}", secret("ALERT_WEBHOOK_URL", "")),
            format!("w:8: {}", secret("salesmap_token", "")),
            format!("w:10: [env.x] {}", secret("LS_ACCESS_KEY", " --env x")),
        ]
    );
    assert_eq!(
        warnings,
        ["w:7: TURNSTILE_SITE_KEY: is not read by formcourier; forms are FORM_*, destinations DESTINATION_*"]
    );
}

#[test]
fn the_limits_of_cloudflare() {
    let required = vec!["\"field\""; 700].join(",");
    let (errors, warnings) = findings(&format!(
        "[vars.FORM_A]\ndestinations = \"crm\"\nrequired = [{required}]\n[vars.DESTINATION_CRM]\ncrm = \"stateset\"\n"
    ));
    assert_eq!(errors, ["w:2: FORM_A: has 5635 bytes as JSON; Cloudflare takes 5120 a var"]);
    assert_eq!(warnings, [""; 0]);

    let forms: Vec<_> = (0..63).map(|n| format!("FORM_{n} = {{ destinations = \"crm\" }}")).collect();
    let forms = forms.join("\n");
    let (errors, warnings) = findings(&format!("[vars]\n{forms}\nDESTINATION_CRM = {{ crm = \"stateset\" }}\n"));
    assert_eq!(errors, [""; 0]);
    assert_eq!(warnings, ["w:2: has 65 vars and secrets; Cloudflare's free plan takes 64, the paid one 128"]);
}

#[test]
fn what_is_worth_a_look() {
    let (errors, warnings) = findings("[env.staging]\nname = \"x\"\n");
    assert_eq!(errors, [""; 0]);
    assert_eq!(
        warnings,
        [
            "w:1: no form is configured; the README has one in ten lines",
            "w:2: [env.staging] has no vars, so it has no forms: wrangler does not inherit them",
        ]
    );
    let (errors, warnings) = findings(
        "[vars.DESTINATION_CRM]\ncrm = \"stateset\"\n[vars.FORM_A]\ndestinations = \"b\"\n[vars.DESTINATION_B]\ncrm = \"stateset\"\n",
    );
    assert_eq!(errors, [""; 0]);
    assert_eq!(warnings, ["w:2: DESTINATION_CRM: no form leads here"]);
}

#[test]
fn a_file_of_another_shape() {
    assert_eq!(findings("vars = 5\n").0, ["w:2: vars: is not a table"]);
    assert_eq!(
        findings("[vars]\nFORM_A = \"s3cret\"\n").0,
        ["w:3: FORM_A: is not a table; write [vars.FORM_A] with its keys below"]
    );
    let (errors, _) = findings("[vars\n");
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("w:2: is not TOML: "), "{}", errors[0]);
}

/// The forms of a Worker and nothing that it needs.
fn bare(environment: &str) -> String {
    format!("[{environment}vars.FORM_A]\ndestinations = \"hook\"\n[{environment}vars.DESTINATION_HOOK]\n{HOOK}")
}

const NO_FORM_RATE: &str = "has no FORM_RATE, so a form may be sent any number of times; add [[ratelimits]] with name = \
                            \"FORM_RATE\", a namespace_id of its own and simple = { limit = 120, period = 60 }";
const NO_ADDRESS_RATE: &str = "has no ADDRESS_RATE, so one address may send a form any number of times; add [[ratelimits]] \
                               with name = \"ADDRESS_RATE\", a namespace_id of its own and simple = { limit = 10, period \
                               = 60 }";
const NO_OUTBOX: &str =
    "has no Outbox; add [[durable_objects.bindings]] with name = \"OUTBOX\" and class_name = \"Outbox\"";
const NO_MIGRATION: &str =
    "has no migration for the Outbox; add [[migrations]] with tag = \"v1\" and new_sqlite_classes = [\"Outbox\"]";
const NO_CRON: &str =
    "has no cron trigger, so a lost alarm is never found; add [triggers] with crons = [\"*/5 * * * *\"]";

#[test]
fn a_worker_needs_its_outbox_and_its_sweep_and_may_do_without_rate_limits() {
    let (errors, warnings) = shown(&format!("name = \"x\"\n{}", bare("")));
    assert_eq!(errors, [NO_OUTBOX, NO_MIGRATION, NO_CRON].map(|text| format!("w:1: {text}")));
    assert_eq!(warnings, [NO_FORM_RATE, NO_ADDRESS_RATE].map(|text| format!("w:1: {text}")));
    // Nothing to store, nothing needed.
    assert_eq!(shown("name = \"x\"\n").0, [""; 0]);
}

#[test]
fn what_is_half_there_has_the_line_of_its_table() {
    let rates = "[[ratelimits]]\nname = \"FORM_RATE\"\n[[ratelimits]]\nname = \"ADDRESS_RATE\"\n";
    let migration = "[[migrations]]\nnew_sqlite_classes = [\"Outbox\"]\n";
    let cron = "[triggers]\ncrons = [\"*/5 * * * *\"]\n";
    let other = "durable_objects.bindings = [{ name = \"OTHER\", class_name = \"Outbox\" }]\n";
    let kv = "migrations: Outbox stores with SQLite; write new_sqlite_classes instead of new_classes";
    for (text, errors, warnings) in [
        (format!("{OUTBOX}{migration}{cron}{rates}"), vec![], vec![]),
        (format!("\n{other}{migration}{cron}{rates}"), vec![format!("w:2: {NO_OUTBOX}")], vec![]),
        (
            format!("{OUTBOX}[[migrations]]\nnew_classes = [\"Outbox\"]\n{cron}{rates}"),
            vec![format!("w:2: {kv}")],
            vec![],
        ),
        (
            format!("{OUTBOX}[[migrations]]\nnew_sqlite_classes = [\"Other\"]\n{cron}{rates}"),
            vec![format!("w:2: {NO_MIGRATION}")],
            vec![],
        ),
        (format!("{OUTBOX}{migration}[triggers]\ncrons = []\n{rates}"), vec![format!("w:5: {NO_CRON}")], vec![]),
        (
            format!("{OUTBOX}{migration}{cron}[[ratelimits]]\nname = \"FORM_RATE\"\n"),
            vec![],
            vec![format!("w:6: {NO_ADDRESS_RATE}")],
        ),
        // Other ways that Cloudflare takes.
        (
            format!("{OUTBOX}[[migrations]]\nrenamed_classes = [{{ from = \"Box\", to = \"Outbox\" }}]\n{cron}{rates}"),
            vec![],
            vec![],
        ),
        (
            format!("{OUTBOX}exports.Outbox = {{ type = \"durable-object\", storage = \"sqlite\" }}\n{cron}{rates}"),
            vec![],
            vec![],
        ),
        (format!("{OUTBOX}{migration}{cron}{}", rates.replace("ratelimits", "unsafe.bindings")), vec![], vec![]),
    ] {
        assert_eq!(shown(&format!("{text}{}", bare(""))), (errors, warnings), "{text}");
    }
}

#[test]
fn a_form_cannot_have_the_name_of_the_rate_limit() {
    let form = "[vars.FORM_RATE]\ndestinations = \"hook\"\n";
    let (errors, _) = findings(&format!("{form}{}", bare("")));
    assert_eq!(errors, ["w:2: FORM_RATE: is the name of the rate limit; call the form something else"]);
}

#[test]
fn a_limit_of_nothing_turns_everybody_away() {
    let told = |name: &str, line: usize, found: &str| {
        format!(
            "w:{line}: {name}: simple.limit: found {found}, with which every visitor is turned away; it takes a whole number \
             from 1, and for no limit the table goes"
        )
    };
    let file = |form: &str, address: &str, place: &str| {
        let rate = |name: &str, limit: &str| {
            format!("[[{place}]]\nname = \"{name}\"\nsimple = {{ limit = {limit}, period = 60 }}\n")
        };
        let rest = REST.split("[[ratelimits]]").next().unwrap();
        shown(&format!("{OUTBOX}{}{}{rest}{}", rate("FORM_RATE", form), rate("ADDRESS_RATE", address), bare(""))).0
    };
    assert_eq!(file("1", "10", "ratelimits"), [""; 0]);
    assert_eq!(file("0", "-1", "ratelimits"), [told("FORM_RATE", 4, "0"), told("ADDRESS_RATE", 7, "-1")]);
    assert_eq!(file("120", "0", "unsafe.bindings"), [told("ADDRESS_RATE", 7, "0")]);
}

#[test]
fn forms_and_destinations_that_nothing_reads() {
    let hook = format!("[vars.DESTINATION_HOOK]\n{HOOK}");
    let told = |line: usize, env: &str, name: &str, table: &str| {
        format!("w:{line}: {env}{name}: does not stand in vars, so nothing reads it; write [{table}{name}]")
    };
    let form = "destinations = \"hook\"\n";
    for (text, errors) in [
        (format!("[FORM_A]\n{form}{hook}"), vec![told(2, "", "FORM_A", "vars.")]),
        (format!("[var.FORM_A]\n{form}{hook}"), vec![told(2, "", "FORM_A", "vars.")]),
        (format!("[Vars]\nFORM_A = {{ {} }}\n{hook}", form.trim()), vec![told(3, "", "FORM_A", "vars.")]),
        (format!("[env.x.FORM_A]\n{form}"), vec![told(2, "[env.x] ", "FORM_A", "env.x.vars.")]),
        (format!("[env.vars.Form_A]\n{form}"), vec![told(2, "[env.vars] ", "Form_A", "env.vars.vars.")]),
        (
            format!("[vars.FORMS_A]\n{form}{hook}"),
            vec!["w:2: FORMS_A: is not read by formcourier; forms are FORM_*, destinations DESTINATION_*".to_owned()],
        ),
        (
            format!("[vars.FORM-A]\n{form}{hook}"),
            vec!["w:2: FORM-A: is not read by formcourier; forms are FORM_*, destinations DESTINATION_*".to_owned()],
        ),
        (
            "[vars.DEST_A]\ncrm = \"salesmap\"\n".to_owned(),
            vec!["w:2: DEST_A: is not read by formcourier; forms are FORM_*, destinations DESTINATION_*".to_owned()],
        ),
    ] {
        assert_eq!(findings(&text).0, errors, "{text}");
    }
    // What is no table is somebody else's.
    assert_eq!(findings("[define]\nFORM_A = \"x\"\n").0, [""; 0]);
}

#[test]
fn an_environment_inherits_its_migrations_and_triggers_and_no_bindings() {
    let env = |name: &str| bare(&format!("env.{name}."));
    let inside = |text: &str, name: &str| format!("[env.{name}] {}", text.replace("[[", &format!("[[env.{name}.")));
    // The top level has all, the environment has only its forms; they begin at line 12.
    let (errors, warnings) = shown(&format!("{OUTBOX}{REST}[env.production]\n{}", env("production")));
    assert_eq!(errors, [format!("w:12: {}", inside(NO_OUTBOX, "production"))]);
    assert_eq!(warnings, [NO_FORM_RATE, NO_ADDRESS_RATE].map(|text| format!("w:12: {}", inside(text, "production"))));

    // What both inherit is missing once, at the top level, which has no forms of its own.
    let bound = |name: &str| format!("[env.{name}]\n{OUTBOX}{}", env(name));
    let (errors, _) = shown(&format!("name = \"x\"\n{}{}", bound("staging"), bound("production")));
    assert_eq!(errors, [NO_MIGRATION, NO_CRON].map(|text| format!("w:1: {text}")));

    // What an environment has of its own counts instead.
    let (errors, _) = shown(&format!("[env.x]\ntriggers.crons = []\nmigrations = []\n{OUTBOX}{}{REST}", env("x")));
    assert_eq!(
        errors,
        [
            format!("w:2: {}", inside(NO_CRON, "x").replace("[triggers]", "[env.x.triggers]")),
            format!("w:3: {}", inside(NO_MIGRATION, "x")),
        ]
    );
}

#[test]
fn the_shipped_config_is_right_and_the_development_secrets_are_complete() {
    let report = check(include_str!("../../../../wrangler.toml"));
    assert_eq!(report.errors, []);
    // It shows AgencyHandy's documented contract, which has this flaw.
    let warned: Vec<_> = report.warnings.iter().map(|warning| warning.text.split(';').next().unwrap()).collect();
    assert_eq!(warned, ["DESTINATION_AGENCYHANDY: the visitor's message stays in formcourier"]);
    let [environment] = report.environments.as_slice() else { panic!("one environment") };
    assert_eq!(environment.summary(), "8 forms, 7 destinations: right");

    let local = include_str!("../../../../.dev.vars.example");
    let set: Vec<_> = local.lines().filter_map(|line| line.split_once('=')).collect();
    let mut names: Vec<_> = set.iter().map(|(name, _)| *name).collect();
    let mut expected: Vec<_> = environment.secrets.iter().map(|secret| secret.name.as_str()).collect();
    expected.extend(["ADMIN_TOKEN", "CRM_ORIGIN", "DEMO"]);
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    let (_, secret) = set.iter().find(|(name, _)| *name == "HOOK_SIGNING_SECRET").unwrap();
    assert!(formcourier::crm::call::signature(secret.trim_matches('"'), "id", 0, "").is_some());
}

#[test]
fn a_message_that_would_not_arrive_is_told() {
    let form = "[vars.FORM_A]\ndestinations = [\"crm\"]\n[vars.DESTINATION_CRM]\ncrm = \"agencyhandy\"\n";
    let told = "DESTINATION_CRM: the visitor's message stays in formcourier; AgencyHandy has a place for it only with \
                api = \"members\" and a note_field";
    for (more, line) in [
        ("", Some(4)),
        ("note_field = \"6525994184e9ddd798534603\"\n", Some(4)),
        ("api = \"company\"\n", Some(6)),
        ("api = \"members\"\n", Some(6)),
        ("api = \"members\"\nnote_field = \"6525994184e9ddd798534603\"\n", None),
    ] {
        let expected: Vec<String> = line.map(|line| format!("w:{line}: {told}")).into_iter().collect();
        assert_eq!(findings(&format!("{form}{more}")), (vec![], expected), "{more}");
    }
}
