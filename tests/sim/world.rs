//! One world: objects, vendors, visitors and operators in one process, from one seed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use formcourier::config::Config;

use crate::checks;
use crate::faults::Forecast;
pub use crate::machine::Machine;
use crate::network::{self, Account, Sightings};
use crate::plan::{Deploy, Plan};
use crate::random::Random;
use crate::tasks::Tasks;
use crate::visitors::Visitors;

/// When every world begins, milliseconds since 1970.
const START: i64 = 1_763_000_000_000;

pub const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// How long after the end of the faults everything must have come to rest: the schedule takes three and a half days.
const REST_MS: i64 = 9 * 24 * HOUR;

/// More turns than any world needs: an object that takes more is in a loop.
const MOST_TURNS: u32 = 1_000_000;

pub struct World {
    pub plan: Plan,
    pub random: RefCell<Random>,
    pub tasks: Tasks<World>,
    pub visitors: Visitors,
    pub sightings: Sightings,
    pub crashes: Cell<u32>,
    /// When deliveries were exhausted.
    pub exhausted: RefCell<checks::Exhausted>,
    turns: Cell<u32>,
    pub machines: RefCell<BTreeMap<String, Rc<Machine>>>,
    accounts: BTreeMap<String, Account>,
    secrets: BTreeMap<String, String>,
    pub deploy: RefCell<(Rc<Config>, Deploy)>,
    pub poisoned: RefCell<Vec<(String, String, String, String)>>,
    pub is_healed: Cell<bool>,
    violations: RefCell<Vec<String>>,
    /// The last events, when they are recorded.
    events: Option<RefCell<Vec<String>>>,
    known_rows: RefCell<BTreeMap<String, String>>,
    ids: Cell<u64>,
}

/// What came of a seed.
pub struct Outcome {
    pub violations: Vec<String>,
    pub events: Vec<String>,
    /// Calls, crashes, letters and the time: the same seed gives the same.
    pub digest: (u32, u32, usize, i64, u64),
}

/// Runs the world of a seed.
pub fn run(seed: u64, is_recorded: bool) -> Outcome {
    let mut random = Random::new(seed);
    let plan = Plan::new(&mut random);
    let end = START + plan.faults_ms;
    let mut accounts = BTreeMap::new();
    let mut secrets = BTreeMap::new();
    for (index, planned) in plan.destinations.iter().enumerate() {
        // In a world about fairness every other destination is always well.
        let is_well = plan.is_about_fairness && index % 2 == 1;
        let forecast = if is_well { Forecast::default() } else { Forecast::new(START, end, &mut random) };
        secrets.extend(network::secrets(&planned.name, planned.vendor));
        let account = Account {
            fake: RefCell::new(planned.vendor.fake()),
            forecast: RefCell::new(forecast),
            has_firewall: !is_well && random.one_in(3),
        };
        accounts.insert(planned.name.clone(), account);
    }
    let deploy = Deploy::default();
    let config = plan.config(&deploy);
    assert!(config.errors.is_empty(), "{:?}", config.errors.iter().map(ToString::to_string).collect::<Vec<_>>());
    let world = Rc::new(World {
        random: RefCell::new(random),
        tasks: Tasks::new(START),
        visitors: Visitors::default(),
        sightings: Sightings::default(),
        crashes: Cell::default(),
        exhausted: RefCell::default(),
        turns: Cell::default(),
        machines: RefCell::default(),
        accounts,
        secrets,
        deploy: RefCell::new((Rc::new(config), deploy)),
        poisoned: RefCell::default(),
        is_healed: Cell::default(),
        violations: RefCell::default(),
        events: is_recorded.then(RefCell::default),
        known_rows: RefCell::default(),
        ids: Cell::default(),
        plan,
    });
    world.log(|| format!("{:#?}", world.plan));
    world.live();
    let outcome = Outcome {
        violations: world.violations.take(),
        events: world.events.as_ref().map(RefCell::take).unwrap_or_default(),
        digest: (
            world.sightings.total.get(),
            world.crashes.get(),
            world.visitors.letters.borrow().len(),
            world.now(),
            world.random.borrow_mut().next(),
        ),
    };
    world.machines.borrow().values().for_each(|machine| machine.forget());
    world.tasks.clear();
    world.machines.borrow().values().for_each(|machine| machine.forget());
    outcome
}

impl World {
    pub fn now(&self) -> i64 {
        self.tasks.now.get()
    }

    pub fn log(&self, event: impl FnOnce() -> String) {
        if let Some(events) = &self.events {
            let at = self.now() - START;
            events.borrow_mut().push(format!("{:>6}.{:03} {}", at / 1000, at % 1000, event()));
        }
    }

    /// Records which deliveries have changed.
    pub fn log_rows(&self, machine: &Machine) {
        let Some(events) = &self.events else { return };
        let sql =
            "SELECT submission_id || ' to ' || destination, state || ', attempts ' || attempts || ', cut short ' ||
            cut_short || ', due ', next_at, not_before FROM delivery";
        let mut known = self.known_rows.borrow_mut();
        for row in machine.database.rows(sql) {
            let since = |value| checks::integer(value) - START;
            let text = format!("{}{} not before {}", checks::text(&row[1]), since(&row[2]), since(&row[3]));
            let key = format!("{}: {}", machine.name, checks::text(&row[0]));
            if known.get(&key) != Some(&text) {
                let at = self.now() - START;
                events.borrow_mut().push(format!("{:>6}.{:03} {key} is {text}", at / 1000, at % 1000));
                known.insert(key, text);
            }
        }
    }

    pub fn violation(&self, what: String) {
        self.log(|| format!("VIOLATION {what}"));
        self.violations.borrow_mut().push(what);
    }

    pub fn between(&self, from: i64, to: i64) -> i64 {
        self.random.borrow_mut().between(from, to)
    }

    pub fn one_in(&self, n: u32) -> bool {
        self.random.borrow_mut().one_in(n)
    }

    /// Whether a fault that happens once in `n` times happens now.
    pub fn strikes(&self, n: u32) -> bool {
        n > 0 && !self.is_healed.get() && self.one_in(n)
    }

    pub fn is_healed(&self) -> bool {
        self.is_healed.get()
    }

    pub fn config(&self) -> Rc<Config> {
        Rc::clone(&self.deploy.borrow().0)
    }

    pub fn secret(&self, name: &str) -> Option<String> {
        let is_missing = self.deploy.borrow().1.missing_secrets.contains(name);
        self.secrets.get(name).filter(|_| !is_missing).cloned()
    }

    /// Whether a deploy gave the destination another schedule.
    pub fn has_other_schedule(&self, destination: &str) -> bool {
        self.deploy.borrow().1.retry.contains_key(destination)
    }

    pub fn account(&self, destination: &str) -> &Account {
        &self.accounts[destination]
    }

    pub fn machine(&self, name: &str) -> Rc<Machine> {
        let mut machines = self.machines.borrow_mut();
        Rc::clone(machines.entry(name.to_owned()).or_insert_with(|| Rc::new(Machine::new(name))))
    }

    pub fn machines(&self) -> Vec<Rc<Machine>> {
        self.machines.borrow().values().cloned().collect()
    }

    /// A `UUIDv7` of now.
    pub fn new_id(&self) -> String {
        self.ids.set(self.ids.get() + 1);
        let (at, random) = (self.now(), self.random.borrow_mut().next());
        let hex = format!("{at:012x}");
        format!(
            "{}-{}-7{:03x}-8{:03x}-{:012x}",
            &hex[..8],
            &hex[8..],
            random & 0xfff,
            self.ids.get() & 0xfff,
            random >> 16
        )
    }

    /// From the first visitor until everything is at rest.
    fn live(self: &Rc<Self>) {
        self.schedule();
        self.run_until(START + self.plan.faults_ms);
        self.heal();
        self.rest();
        checks::at_rest(self);
        // Whatever waits for a person now gets its person, and arrives.
        self.release_everything();
        self.rest();
        checks::end(self);
    }

    /// Tasks and events up to a moment.
    fn run_until(self: &Rc<Self>, until: i64) {
        loop {
            while let Some((id, mut task)) = self.tasks.take_ready() {
                let owner = task.owner.clone();
                let machine = owner.as_ref().map(|(name, _)| self.machine(name));
                let is_over = self.tasks.poll(id, &mut task);
                if is_over {
                    drop(task);
                } else {
                    self.tasks.put_back(id, task);
                }
                if let Some(machine) = machine {
                    machine.end_turn(self);
                    self.turns.set(self.turns.get() + 1);
                    if self.turns.get() > MOST_TURNS {
                        self.violation(format!("{} spins", machine.name));
                        return;
                    }
                }
            }
            let Some(event) = self.tasks.next_event(until) else { break };
            event(self);
        }
        self.tasks.now.set(until);
    }

    /// Runs until nothing is pending.
    fn rest(self: &Rc<Self>) {
        let end = self.now() + REST_MS;
        while self.now() < end && self.turns.get() <= MOST_TURNS {
            self.run_until(self.now() + 2 * MINUTE);
            if !self.machines().iter().any(|machine| checks::is_at_work(machine)) {
                return;
            }
            self.run_until(self.now() + HOUR);
            self.sweep();
        }
        self.violation("not everything comes to rest".to_owned());
        for machine in self.machines().iter().filter(|machine| checks::is_at_work(machine)) {
            self.violation(checks::work_of(self, machine));
        }
    }
}
