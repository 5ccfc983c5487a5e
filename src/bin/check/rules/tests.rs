//! What `make check` says, compared whole.

use super::*;

const DATE: &str = "compatibility_date = \"2026-10-01\"\n";
const OUTBOX: &str = "durable_objects.bindings = [{ name = \"OUTBOX\", class_name = \"Outbox\" }]\n";
const CRM: &str = "[vars.DESTINATION_CRM]\ntype = \"stateset\"\n";

/// What else a Worker needs.
const MIGRATION: &str = "[[migrations]]\nnew_sqlite_classes = [\"Outbox\"]\n";
const CRON: &str = "[triggers]\ncrons = [\"*/5 * * * *\"]\n";
const RATES: &str = "[[ratelimits]]\nname = \"FORM_RATE\"\n[[ratelimits]]\nname = \"ADDRESS_RATE\"\n\
                     [[ratelimits]]\nname = \"NETWORK_RATE\"\n";

/// Errors and warnings of `text` in a complete file. The first line of `text` is line 3.
fn findings(text: &str) -> (Vec<String>, Vec<String>) {
    shown(&format!("{DATE}{OUTBOX}{text}\n{MIGRATION}{CRON}{RATES}"))
}

/// Errors and warnings of a whole file, each with its line.
fn shown(text: &str) -> (Vec<String>, Vec<String>) {
    let report = check("w.toml", text);
    let shown = |findings: &[Finding]| findings.iter().map(|it| format!("{}: {}", it.line, it.text)).collect();
    (shown(&report.errors), shown(&report.warnings))
}

#[test]
fn a_valid_file_is_summed_up_with_its_secrets() {
    let report = check(
        "w.toml",
        &format!(
            "{DATE}{OUTBOX}
[vars.FORM_A]
destinations = [\"crm\"]
[vars.FORM_STAFF]
destinations = [\"crm\"]
access = \"token\"
{CRM}{MIGRATION}{CRON}{RATES}
[env.staging]
{OUTBOX}
ratelimits = [{{ name = \"FORM_RATE\" }}, {{ name = \"ADDRESS_RATE\" }}, {{ name = \"NETWORK_RATE\" }}]
[env.staging.vars.FORM_A]
destinations = [\"second\"]
[env.staging.vars.DESTINATION_SECOND]
type = \"stateset\"
"
        ),
    );
    assert_eq!((report.errors, report.warnings), (vec![], vec![]));
    let expected = "\
Secrets to set, each with `npx wrangler secret put NAME` (local: add it to .dev.vars):
  CRM_API_KEY        DESTINATION_CRM: the StateSet API key (sk_live_ or sk_test_), from Settings > API keys
  STAFF_TOKEN        FORM_STAFF: the token that callers send as `Authorization: Bearer`; any long random text
  ADMIN_TOKEN        recommended: without it you cannot see or resend submissions
  ALERT_WEBHOOK_URL  recommended: without it you get no alert when leads stop reaching a destination
w.toml is valid: 2 forms, 1 destination
[env.staging] Secrets to set, each with `npx wrangler secret put NAME --env staging` (local: add it to .dev.vars):
  SECOND_API_KEY     DESTINATION_SECOND: the StateSet API key (sk_live_ or sk_test_), from Settings > API keys
  ADMIN_TOKEN        recommended: without it you cannot see or resend submissions
  ALERT_WEBHOOK_URL  recommended: without it you get no alert when leads stop reaching a destination
w.toml [env.staging] is valid: 1 form, 1 destination";
    assert_eq!(report.summaries.join("\n"), expected);
}

#[test]
fn the_shipped_file_is_valid_and_the_development_secrets_are_complete() {
    let shipped = include_str!("../../../../wrangler.toml");
    assert_eq!(shown(shipped), (vec![], vec![]));
    let local = include_str!("../../../../development.vars");
    let report = check("wrangler.toml", shipped);
    let [summary] = report.summaries.as_slice() else { panic!("one environment: {report:?}") };
    let secrets = summary.lines().filter(|line| line.contains("DESTINATION_") || line.contains("FORM_"));
    for name in secrets.filter_map(|line| line.split_whitespace().next()) {
        assert!(local.contains(&format!("\n{name}=")), "{name}");
    }
}

#[test]
fn errors_have_the_line_of_their_key_in_every_environment() {
    let (errors, warnings) = findings(
        r#"[vars.FORM_A]
map.phone = 5
destinations = ["crm", "nowhere"]
requred = "email"
[vars.DESTINATION_CRM]
type = "stateset"
lead_source = "{name ({form}"
[vars.DESTINATION_CRM.fields]
"a.b" = "{x"
[vars.form_b]
[env.staging.vars]
FORM_B = { redirect = "x", destinations = "crm" }
DESTINATION_CRM = { type = "stateset" }
"#,
    );
    let places: Vec<_> = errors.iter().map(|error| error.split("; ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "4: FORM_A: map.phone: found 5",
            "5: FORM_A: destinations: \"nowhere\" is not a destination",
            "6: FORM_A: unknown key \"requred\"",
            "9: DESTINATION_CRM: lead_source: a `{` is not closed (write `{{` for a literal brace)",
            "11: DESTINATION_CRM: fields.a.b: a `{` is not closed (write `{{` for a literal brace)",
            "12: form_b: is not read",
            "13: [env.staging] has no Outbox",
            "14: [env.staging] FORM_B: redirect: the address does not begin with https:// or http://",
        ]
    );
    assert_eq!(warnings.len(), 3, "the rate limits of the environment: {warnings:?}");
}

#[test]
fn errors_of_the_file() {
    let secret = |line: usize, env: &str, name: &str, option: &str| {
        format!(
            "{line}: {env}{name}: is a secret and does not belong in this file; delete it here and run `npx wrangler secret \
             put {name}{option}` (local: add it to .dev.vars)"
        )
    };
    let outside = |line: usize, env: &str, name: &str, table: &str| {
        format!("{line}: {env}{name}: is outside vars, so it is not read; write [{table}{name}]")
    };
    let stranger =
        |name: &str| format!("3: {name}: formcourier does not read it; forms are FORM_*, destinations DESTINATION_*");
    let local = |name: &str| format!("3: {name}: is for local development only; move it to .dev.vars");
    let form = "destinations = \"crm\"\n";
    let long = vec!["\"field\""; 700].join(",");
    for (text, error) in [
        ("vars = 5".to_owned(), "3: vars: is not a table".to_owned()),
        (
            "[vars]\nFORM_A = \"s3cret\"".into(),
            "4: FORM_A: is not a table; write [vars.FORM_A] with its keys below".into(),
        ),
        ("[vars".into(), "3: not valid TOML: unclosed table, expected `]`".into()),
        ("vars.DEMO = \"on\"".into(), local("DEMO")),
        ("vars.CRM_ORIGIN = \"http://127.0.0.1:8788\"".into(), local("CRM_ORIGIN")),
        ("vars.SALESMAP_TOKEN = \"s3cret\"".into(), secret(3, "", "SALESMAP_TOKEN", "")),
        ("vars.salesmap_token = \"s3cret\"".into(), secret(3, "", "salesmap_token", "")),
        ("vars.ALERT_WEBHOOK_URL = \"s3cret\"".into(), secret(3, "", "ALERT_WEBHOOK_URL", "")),
        ("env.x.vars.LS_ACCESS_KEY = \"s3cret\"".into(), secret(3, "[env.x] ", "LS_ACCESS_KEY", " --env x")),
        (format!("[FORM_A]\n{form}{CRM}"), outside(3, "", "FORM_A", "vars.")),
        (format!("[var.FORM_A]\n{form}{CRM}"), outside(3, "", "FORM_A", "vars.")),
        (format!("[env.x.FORM_A]\n{form}"), outside(3, "[env.x] ", "FORM_A", "env.x.vars.")),
        (format!("[vars.FORMS_A]\n{form}{CRM}"), stranger("FORMS_A")),
        ("[vars.DEST_A]\ntype = \"salesmap\"".into(), stranger("DEST_A")),
        (
            format!("[vars.FORM_RATE]\n{form}{CRM}"),
            "3: FORM_RATE: is the name of the rate limit; rename the form".into(),
        ),
        (
            format!("[vars.FORM_A]\n{form}required = [{long}]\n{CRM}"),
            "3: FORM_A: has 5635 bytes as JSON; Cloudflare takes 5120 a var".into(),
        ),
    ] {
        assert_eq!(findings(&text).0, [error], "{text}");
    }
}

#[test]
fn valid_settings_that_would_lose_visitors_or_leads_are_warned_of() {
    const REDIRECT: &str =
        "4: FORM_A: redirect: this Worker has no page /thanks; write the full address: \"https://…/thanks\"";
    let form = |keys: &str| format!("[vars.FORM_A]\n{keys}\ndestinations = \"crm\"\n{CRM}");
    let crm = |key: &str| format!("[vars.FORM_A]\ndestinations = \"crm\"\n{CRM}{key}\n");
    let many: Vec<_> = (0..63).map(|n| format!("FORM_{n}.destinations = \"crm\"")).collect();
    for (text, warnings) in [
        (
            format!("[env.x]\nname = \"x\"\n[vars.FORM_A]\ndestinations = \"crm\"\n{CRM}"),
            &["3: [env.x] has no vars, so it has no forms: wrangler does not inherit them"][..],
        ),
        (
            form("") + "[vars.DESTINATION_B]\ntype = \"stateset\"",
            &["8: DESTINATION_B: no form sends to this destination"],
        ),
        (
            format!("vars.TURNSTILE_SITE_KEY = \"public\"\n{}", form("")),
            &["3: TURNSTILE_SITE_KEY: formcourier does not read it; forms are FORM_*, destinations DESTINATION_*"],
        ),
        (
            format!("[vars]\n{}\n{CRM}", many.join("\n")),
            &["3: has 65 vars and secrets; Cloudflare's free plan takes 64, the paid one 128"],
        ),
        (
            format!("observability.enabled = true\n{}", form("")),
            &[
                "3: traces would record the full address of every request; add [observability.traces] with enabled = false",
            ],
        ),
        (format!("[observability]\nenabled = true\ntraces.enabled = false\n{}", form("")), &[]),
        (form("redirect = \"/thanks\""), &[REDIRECT]),
        (form("redirect = \"/f/a/thanks\""), &[]),
        (form("redirect = \"https://www.acme.io/thanks\""), &[]),
        (
            format!("route = \"forms.acme.io/*\"\n{}", form("redirect = \"/thanks\"")),
            &[&REDIRECT.replacen('4', "5", 1)],
        ),
        (format!("route = \"www.acme.io/f/*\"\n{}", form("redirect = \"/thanks\"")), &[]),
        (
            form("allowed_origins = [\"http://localhost:3000\", \"http://127.0.0.1\"]"),
            &["4: FORM_A: allowed_origins: lists only this machine, so every visitor is rejected; add your website"],
        ),
        (form("allowed_origins = [\"http://localhost:3000\", \"https://www.acme.io\"]"), &[]),
        (
            form("turnstile = { hostnames = [\"localhost\"] }"),
            &[
                "4: FORM_A: turnstile.hostnames: lists only this machine, so every visitor is rejected; add your website",
            ],
        ),
        (
            form("allowed_origins = [\"https://*.example.org:8443\"]"),
            &["4: FORM_A: allowed_origins: *.example.org is a placeholder; write your own address"],
        ),
        (
            form("turnstile = { hostnames = \"www.example.com\" }"),
            &["4: FORM_A: turnstile.hostnames: www.example.com is a placeholder; write your own address"],
        ),
        (
            crm("fields.title = \"http://127.0.0.1:5678/a\""),
            &["7: DESTINATION_CRM: fields.title: is this machine, which a deployed Worker cannot reach"],
        ),
        (
            form("required = [\"emial\", \"stag\"]"),
            &[
                "4: FORM_A: required: \"emial\" looks like \"email\"; if no field of your page has that name, every visitor is \
               rejected",
            ],
        ),
        (
            form("rules.mesage = { max_length = 9 }"),
            &[
                "4: FORM_A: rules.mesage: \"mesage\" looks like \"message\"; if no field of your page has that name, the rule \
               does nothing",
            ],
        ),
        (
            crm("fields.title = { text = \"{nmae} {submited_at}\" }"),
            &[
                "7: DESTINATION_CRM: fields.title.text: {nmae} looks like {name}; if no field of your page has that name, it \
                 stays empty",
                "7: DESTINATION_CRM: fields.title.text: {submited_at} looks like {submitted_at}; if no field of your page has \
                 that name, it stays empty",
            ],
        ),
        // Names that mean something, and names that `map` knows.
        (form("required = [\"E-Mail\", \"dclid\", \"from\", \"date\", \"course\"]\nmap.email = \"emaill\""), &[]),
        (form("required = \"emaill\"\nmap.email = \"emaill\""), &[]),
    ] {
        assert_eq!(findings(&text), (vec![], warnings.iter().map(|it| (*it).to_owned()).collect()), "{text}");
    }
}

const NO_OUTBOX: &str =
    "has no Outbox; add [[durable_objects.bindings]] with name = \"OUTBOX\" and class_name = \"Outbox\"";
const NO_MIGRATION: &str =
    "has no migration for the Outbox; add [[migrations]] with tag = \"v1\" and new_sqlite_classes = [\"Outbox\"]";
const NO_CRON: &str =
    "has no cron trigger, so a lost alarm is never found; add [triggers] with crons = [\"*/5 * * * *\"]";
const NO_DATE: &str = "has no compatibility_date; add compatibility_date = \"2026-10-01\"";
const NO_FORM_RATE: &str = "has no FORM_RATE, so a form may be sent any number of times; add [[ratelimits]] with name = \
                            \"FORM_RATE\", a namespace_id not used elsewhere in your account and simple = { limit = 120, period = 60 }";
const NO_ADDRESS_RATE: &str = "has no ADDRESS_RATE, so one address may send a form any number of times; add [[ratelimits]] \
                               with name = \"ADDRESS_RATE\", a namespace_id not used elsewhere in your account and simple = { limit = \
                               10, period = 60 }";
const NO_NETWORK_RATE: &str = "has no NETWORK_RATE, so one address may be refused any number of times; add [[ratelimits]] \
                               with name = \"NETWORK_RATE\", a namespace_id not used elsewhere in your account and simple = { limit = \
                               60, period = 60 }";

#[test]
fn a_worker_with_forms_needs_its_bindings() {
    let form = format!("[vars.FORM_A]\ndestinations = \"crm\"\n{CRM}");
    let zero = RATES.replacen("_RATE\"\n", "_RATE\"\nsimple.limit = 0\n", 1);
    let limit = "FORM_RATE: a limit of 0 rejects every visitor; for no limit, delete the table";
    for (text, errors, warnings) in [
        (
            String::new(),
            &[(1, NO_OUTBOX), (1, NO_MIGRATION), (1, NO_CRON), (1, NO_DATE)][..],
            &[(1, NO_FORM_RATE), (1, NO_ADDRESS_RATE), (1, NO_NETWORK_RATE)][..],
        ),
        (format!("{DATE}{OUTBOX}{MIGRATION}{CRON}{RATES}"), &[], &[]),
        (format!("{DATE}{}{MIGRATION}{CRON}{RATES}", OUTBOX.replace("OUTBOX", "X")), &[(2, NO_OUTBOX)], &[]),
        (format!("{OUTBOX}{MIGRATION}{CRON}{RATES}"), &[(1, NO_DATE)], &[]),
        (format!("{DATE}{OUTBOX}{}{CRON}{RATES}", MIGRATION.replace("Outbox", "X")), &[(3, NO_MIGRATION)], &[]),
        (format!("{DATE}{OUTBOX}{}{CRON}{RATES}", MIGRATION.replace("sqlite_", "")), &[(3, NO_MIGRATION)], &[]),
        (format!("{DATE}{OUTBOX}{MIGRATION}[triggers]\ncrons = []\n{RATES}"), &[(6, NO_CRON)], &[]),
        (
            format!("{DATE}{OUTBOX}{MIGRATION}{CRON}[[ratelimits]]\nname = \"FORM_RATE\"\n"),
            &[],
            &[(7, NO_ADDRESS_RATE), (7, NO_NETWORK_RATE)],
        ),
        (format!("{DATE}{OUTBOX}{MIGRATION}{CRON}{zero}"), &[(9, limit)], &[]),
    ] {
        let lines = |found: &[(usize, &str)]| found.iter().map(|(line, text)| format!("{line}: {text}")).collect();
        assert_eq!(shown(&format!("{text}{form}")), (lines(errors), lines(warnings)), "{text}");
    }
    assert_eq!(shown("name = \"x\"\n").0, [""; 0], "without forms nothing is needed");
}

#[test]
fn an_environment_inherits_everything_but_vars_and_bindings() {
    let form = |name: &str| {
        format!(
            "[env.{name}.vars.FORM_A]\ndestinations = \"crm\"\n{}",
            CRM.replace("vars.", &format!("env.{name}.vars."))
        )
    };
    let inside = |text: &str, name: &str| format!("[env.{name}] {}", text.replace("[[", &format!("[[env.{name}.")));
    // The top level has everything, the environment only its form, which begins at line 14.
    let (errors, warnings) = shown(&format!("{DATE}{OUTBOX}{MIGRATION}{CRON}{RATES}[env.live]\n{}", form("live")));
    assert_eq!(errors, [format!("13: {}", inside(NO_OUTBOX, "live"))]);
    assert_eq!(
        warnings,
        [NO_FORM_RATE, NO_ADDRESS_RATE, NO_NETWORK_RATE].map(|text| format!("13: {}", inside(text, "live")))
    );

    // What both inherit is missing once, at the top level, which has no forms itself.
    let bound = |name: &str| format!("[env.{name}]\n{OUTBOX}{}", form(name));
    let (errors, _) = shown(&format!("name = \"x\"\n{}{}", bound("staging"), bound("live")));
    assert_eq!(errors, [NO_MIGRATION, NO_CRON, NO_DATE].map(|text| format!("1: {text}")));

    // What an environment has itself counts instead.
    let (errors, _) = shown(&format!("{DATE}[env.x]\ntriggers.crons = []\n{OUTBOX}{}{MIGRATION}{CRON}", form("x")));
    assert_eq!(errors, [format!("3: {}", inside(NO_CRON, "x").replace("[triggers]", "[env.x.triggers]"))]);
}
