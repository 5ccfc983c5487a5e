//! The thinnest whole path.
use serde_json::json;

use crate::world::World;

#[test]
fn through() {
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["stateset"] },
        "DESTINATION_STATESET": { "crm": "stateset" },
    });
    let world = World::new(&vars, &[("STATESET_API_KEY", "k")], vec![]);
    let id = world.submit("contact", "first_name=Ada&last_name=L&email=ada%40example.com&message=hi");
    let view = world.submission("contact", &id);
    eprintln!("{view:#}");
    std::thread::sleep(std::time::Duration::from_secs(2));
    let view = world.submission("contact", &id);
    eprintln!("{view:#}\n{}", world.worker.log());
    eprintln!("{:#?}", world.fakes.requests("webhook"));
    panic!();
}
