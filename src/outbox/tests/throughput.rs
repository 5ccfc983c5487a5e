//! How the slots are shared: destinations that are well keep their throughput beside one that hangs and one that is slow.

use super::*;
use crate::delivery::queue::SLOTS;

/// How a vendor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vendor {
    /// After so many milliseconds.
    After(i64),
    /// Never: each call ends with its timeout, after twenty seconds.
    Never,
}

const WELL: Vendor = Vendor::After(500);

/// How many leads each vendor takes within `time`, milliseconds, while each has a backlog, and the most calls at once.
fn taken(vendors: &[(&str, &str, Vendor)], time: i64) -> (Vec<usize>, usize) {
    let mut vars =
        json!({ "FORM_CONTACT": { "destinations": vendors.iter().map(|(name, ..)| *name).collect::<Vec<_>>() } });
    for (name, kind, _) in vendors {
        let mut table = json!({ "type": kind, "timeout": "20s" });
        if *kind == "webhook" {
            table["url"] = json!("https://example.org/");
        }
        vars[format!("DESTINATION_{}", name.to_uppercase())] = table;
    }
    let config = Config::from_vars(vars.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value)));
    assert_eq!(config.errors, []);
    let clock = Rc::new(Clock { now: Cell::new(START), ..Clock::default() });
    let database = Rc::new(Native(Connection::open_in_memory().unwrap()));
    let outbox = Outbox::open("contact", Rc::new(config), Rc::clone(&clock) as _, Rc::clone(&database) as _).unwrap();
    let world = World { clock, database, outbox, count: Cell::new(0) };
    for number in 0..1_000 {
        let mut new = world.new_submission(&number.to_string(), &[]);
        new.destinations = vendors.iter().map(|(name, ..)| (*name).to_owned()).collect();
        world.outbox.accept(&new, false).unwrap();
    }
    let (mut taken, mut most, mut out) = (vec![0; vendors.len()], 0, Vec::new());
    world.outbox.begin_run();
    while world.clock.now.get() < START + time {
        if world.outbox.is_over() {
            world.outbox.begin_run();
        }
        world.outbox.begin().unwrap();
        for effect in world.outbox.effects().unwrap() {
            let Effect::Send { flight, destination, .. } = effect else { continue };
            let index = vendors.iter().position(|(name, ..)| *name == destination).unwrap();
            let ms = if let Vendor::After(ms) = vendors[index].2 { ms } else { 20_000 };
            out.push((world.clock.now.get() + ms, flight, index));
        }
        most = most.max(out.len());
        // An alarm looks for new work every 200 ms.
        let next = out.iter().map(|(at, ..)| *at).min().unwrap_or(i64::MAX);
        world.clock.now.set(next.min(world.clock.now.get() + 200));
        let ended = out.extract_if(.., |(at, ..)| *at <= world.clock.now.get()).collect::<Vec<_>>();
        for (_, flight, index) in ended {
            if vendors[index].2 == Vendor::Never {
                world.outbox.ended(flight, Event::NoResponse("timeout".into())).unwrap();
            } else {
                let format = world.outbox.config.destination(vendors[index].0).unwrap().descriptor.format();
                let response = Response::new(format, 200, Vec::new(), "{}", world.clock.now.get());
                world.outbox.ended(flight, Event::Response(Box::new(response))).unwrap();
                taken[index] += 1;
            }
        }
    }
    (taken, most)
}

#[test]
fn three_that_are_well_keep_nine_tenths_beside_one_that_hangs_and_one_that_is_slow() {
    let well = [("a", "webhook", WELL), ("b", "webhook", WELL), ("c", "webhook", WELL)];
    for hangs in ["webhook", "salesmap"] {
        let (alone, _) = taken(&well, 240_000);
        let mut all = well.to_vec();
        all.extend([("hangs", hangs, Vendor::Never), ("slow", "webhook", Vendor::After(3_000))]);
        let (beside, most) = taken(&all, 240_000);
        println!("{hangs}: alone {alone:?}, beside {beside:?}, {most} at once");
        let (alone, kept) = (alone.iter().sum::<usize>(), beside[..3].iter().sum::<usize>());
        assert!(kept * 10 >= alone * 9, "{hangs}: {kept} of {alone}");
        assert!(beside[4] > 0 && most <= SLOTS, "{beside:?}, {most} at once");
    }
}
