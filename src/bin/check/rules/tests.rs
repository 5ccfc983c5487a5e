//! What `make check` says, compared whole.

use super::*;

const OUTBOX: &str = "durable_objects.bindings = [{ name = \"OUTBOX\", class_name = \"Outbox\" }]\n";

/// Errors and warnings of `OUTBOX` and `text`; so the first line of `text` is line 2.
fn findings(text: &str) -> (Vec<String>, Vec<String>) {
    let report = check(&format!("{OUTBOX}{text}"));
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
[env.staging]
{OUTBOX}
[env.staging.vars.FORM_A]
destinations = [\"hook\"]
[env.staging.vars.DESTINATION_HOOK]
crm = \"webhook\"
url = \"https://hooks.example.com\"
"
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
            format!("w:9: [env.x] {}", secret("LS_ACCESS_KEY", " --env x")),
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
