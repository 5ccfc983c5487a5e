//! The cron sweep: a lost alarm delays a lead and loses none.

use std::fs;
use std::path::Path;

use fakes::Mood;
use serde_json::json;

use crate::hooks::{SECRETS, answer, copies, fakes, files, hook, submit_many, vars};
use crate::world::{World, delivery};

/// Loses every alarm; workerd stores them apart from the objects' data.
fn forget_alarms(storage: &Path) {
    let mut forgotten = 0;
    for file in files(storage) {
        if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("metadata.sqlite")) {
            fs::remove_file(file).expect("the alarms");
            forgotten += 1;
        }
    }
    assert!(forgotten > 0, "no alarms were found");
}

/// An object registers 100 ms after its first submission. The sweep cannot find one that is killed before that.
fn wait_for_registration() {
    std::thread::sleep(std::time::Duration::from_millis(500));
}

/// Sweeps, as the platform does every few minutes, until the webhook has so many records: an alarm that is not due yet does
/// not count as lost.
fn swept(world: &World, count: usize) {
    world.wait_for(|| {
        world.worker.run_cron();
        (world.fakes.records("webhook").len() >= count).then_some(())
    });
}

/// A webhook that is retried after two seconds.
fn waiting() -> serde_json::Value {
    let mut destination = hook();
    destination["retry"] = json!(["2s", "2s", "2s"]);
    destination
}

#[test]
fn a_lost_alarm_is_found_by_the_sweep() {
    let mut vars = vars(&[("hook", waiting())]);
    vars["FORM_CONTACT"]["shards"] = json!(2);
    let mut world = World::new(&vars, SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let ids = submit_many(&world, "a", 6);
    for id in &ids {
        world.wait_until("contact", id, |view| delivery(view, "hook")["failure"]["kind"] == "unavailable");
    }
    wait_for_registration();
    world.worker.while_down(forget_alarms);
    world.fakes.always("webhook", None);
    let asked = world.fakes.requests("webhook").len();
    // Nothing calls the objects, so nothing happens.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(world.fakes.requests("webhook").len(), asked, "the alarms were not lost");
    swept(&world, 6);
    assert_eq!(copies(&world, &ids), vec![1; 6]);
}

#[test]
fn the_sweep_reaches_shards_that_the_config_no_longer_has() {
    let with_shards = |shards: u32| {
        let mut vars = vars(&[("hook", waiting())]);
        vars["FORM_CONTACT"]["shards"] = json!(shards);
        vars
    };
    let mut world = World::new(&with_shards(4), SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let ids = submit_many(&world, "a", 12);
    for id in &ids {
        world.wait_until("contact", id, |view| delivery(view, "hook")["failure"]["kind"] == "unavailable");
    }
    wait_for_registration();
    world.redeploy(&with_shards(1), SECRETS);
    world.worker.while_down(forget_alarms);
    world.fakes.always("webhook", None);
    swept(&world, 12);
    assert_eq!(copies(&world, &ids), vec![1; 12]);
}

#[test]
fn a_form_removed_from_the_config_keeps_its_leads_and_resumes_when_it_is_back() {
    let with_form = vars(&[("hook", waiting())]);
    let mut without = with_form.clone();
    without.as_object_mut().expect("vars").remove("FORM_CONTACT");
    without["FORM_OTHER"] = json!({ "destinations": ["hook"] });
    let mut world = World::new(&with_form, SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let ids = submit_many(&world, "a", 3);
    for id in &ids {
        world.wait_until("contact", id, |view| delivery(view, "hook")["failure"]["kind"] == "unavailable");
    }
    world.redeploy(&without, SECRETS);
    world.fakes.always("webhook", None);
    world.worker.run_cron();
    assert_eq!(world.send("POST", "/f/contact", &[], b"email=b@example.com").status, 404);
    assert_eq!(world.fakes.records("webhook").len(), 0, "nothing is sent without the form's config");
    // The operator still sees them, each with its reason.
    for id in &ids {
        let view = world.wait_until("contact", id, |view| delivery(view, "hook")["failure"]["kind"] == "config");
        assert_eq!(delivery(&view, "hook")["failure"]["detail"], "the form contact is not configured");
    }
    world.redeploy(&with_form, SECRETS);
    world.worker.while_down(forget_alarms);
    swept(&world, 3);
    assert_eq!(copies(&world, &ids), vec![1; 3]);
    for id in &ids {
        world.delivered("contact", id);
    }
}

#[test]
fn sweeping_an_unused_form_logs_no_failure() {
    let world = World::new(&vars(&[("hook", hook())]), SECRETS, fakes());
    world.worker.run_cron();
    world.worker.run_cron();
    assert!(!world.worker.log().contains("failure"), "{}", world.worker.log());
    assert_eq!(world.fakes.requests("webhook").len(), 0);
}
