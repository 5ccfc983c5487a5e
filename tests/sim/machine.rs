//! One object on a simulated platform: its storage and alarm outlive it, its instance dies at any moment.
//!
//! A turn is what runs between two awaits. What it writes (rows and alarm) is committed at its end, and only then leaves
//! what it sends; a crash takes all of it back.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use formcourier::connectors::Call;
use formcourier::delivery::Event;
use formcourier::outbox::client::{Ask, Network};
use formcourier::outbox::object::{Object, SAFETY_NET_MS, Storage};
use formcourier::outbox::{Host, OutboxError};
use futures_util::future::{FutureExt, LocalBoxFuture, pending, ready};

use crate::database::NativeSql;
use crate::network;
use crate::tasks::Later;
use crate::world::World;

/// The platform kills an alarm after 15 minutes.
const ALARM_LIMIT_MS: i64 = 15 * 60 * 1000;

/// The platform retries an alarm that failed this often.
const ALARM_RETRIES: u32 = 6;

type Output = Box<dyn FnOnce(&Rc<World>)>;

pub struct Machine {
    pub name: String,
    pub database: Rc<NativeSql>,
    object: RefCell<Option<Rc<Object>>>,
    pub instance: Cell<u64>,
    /// How far its clock is off.
    pub skew: Cell<i64>,
    /// The alarm as this turn sees it, and as it is on disk.
    alarm: Cell<Option<i64>>,
    pub stored_alarm: Cell<Option<i64>>,
    pub is_ringing: Cell<bool>,
    ring: Cell<u64>,
    retries: Cell<u32>,
    outputs: RefCell<Vec<Output>>,
    pub unreachable_until: Cell<i64>,
    /// An alarm could not be set or was lost; only a request or the sweep starts it again.
    pub lost_alarm: Cell<bool>,
    /// What the alarm's handler sets before it works: it rings should the handler never end.
    pub safety_net: Cell<Option<i64>>,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Machine {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            database: Rc::new(NativeSql::new()),
            object: RefCell::default(),
            instance: Cell::new(1),
            skew: Cell::default(),
            alarm: Cell::default(),
            stored_alarm: Cell::default(),
            is_ringing: Cell::default(),
            ring: Cell::default(),
            retries: Cell::default(),
            outputs: RefCell::default(),
            unreachable_until: Cell::default(),
            lost_alarm: Cell::default(),
            safety_net: Cell::default(),
        }
    }

    /// The time on its clock.
    pub fn clock(&self, world: &World) -> i64 {
        world.now() + self.skew.get()
    }

    fn owner(&self) -> (String, u64) {
        (self.name.clone(), self.instance.get())
    }

    fn object(self: &Rc<Self>, world: &Rc<World>) -> Rc<Object> {
        let mut object = self.object.borrow_mut();
        let made = object.get_or_insert_with(|| {
            let platform = Rc::new(Platform { world: Rc::clone(world), machine: Some(Rc::clone(self)) });
            let database = Rc::clone(&self.database);
            Rc::new(Object::new(&self.name, world.config(), platform.clone(), platform, database))
        });
        Rc::clone(made)
    }

    /// Ends a turn: what it wrote is on disk, what it sends leaves, or everything is lost.
    pub fn end_turn(self: &Rc<Self>, world: &Rc<World>) {
        let outputs = self.outputs.take();
        if self.database.is_dead.get() {
            return self.crash(world, "between two statements");
        }
        let has_written = self.database.commit();
        let is_new_alarm = self.alarm.get() != self.stored_alarm.replace(self.alarm.get());
        if is_new_alarm {
            self.arm(world);
        }
        if has_written || is_new_alarm {
            crate::checks::turn(world, self);
        }
        let is_cut = !outputs.is_empty() && world.strikes(world.plan.crash_after_output);
        let most = if is_cut { usize::try_from(world.between(0, 3)).unwrap_or(0) } else { usize::MAX };
        outputs.into_iter().take(most).for_each(|output| output(world));
        if is_cut {
            self.crash(world, "between two effects");
        } else if world.strikes(world.plan.crash_after_turn) {
            self.crash(world, "between two awaits");
        }
    }

    /// The instance dies. Its storage stays as the last turn left it.
    pub fn crash(self: &Rc<Self>, world: &Rc<World>, how: &str) {
        world.log(|| format!("{} dies {how}", self.name));
        self.database.roll_back();
        self.alarm.set(self.stored_alarm.get());
        drop(self.outputs.take());
        let owner = self.owner();
        self.instance.set(self.instance.get() + 1);
        let object = self.object.take();
        world.crashes.set(world.crashes.get() + 1);
        world.tasks.kill(&owner);
        drop(object);
        if self.is_ringing.replace(false) && self.stored_alarm.get().is_none() {
            // It rings again: at least once.
            self.set(Some(self.clock(world) + 2_000));
            self.safety_net.set(self.stored_alarm.get());
        }
        // One that could not register yet would be found only with its next request.
        if world.plan.loses_alarms && self.is_registered(world) && world.strikes(10) {
            world.log(|| format!("{} loses its alarm", self.name));
            self.lost_alarm.set(true);
            self.set(None);
        }
        self.arm(world);
    }

    fn is_registered(&self, world: &World) -> bool {
        let registry = world.machine(formcourier::outbox::names::REGISTRY);
        let sql = "SELECT name FROM outbox";
        registry.database.is_open()
            && registry.database.rows(sql).iter().any(|row| crate::checks::text(&row[0]) == self.name)
    }

    fn set(&self, at: Option<i64>) {
        self.alarm.set(at);
        self.stored_alarm.set(at);
    }

    /// Lets the alarm ring at its time.
    pub fn arm(self: &Rc<Self>, world: &Rc<World>) {
        self.ring.set(self.ring.get() + 1);
        let Some(at) = self.stored_alarm.get().filter(|_| !self.is_ringing.get()) else { return };
        let (ring, machine) = (self.ring.get(), Rc::clone(self));
        let slip = if world.plan.clock_jumps && world.one_in(20) { 60_000 } else { 30 };
        let delay = (at - self.clock(world)).max(0) + world.between(0, slip);
        world.tasks.after(delay, move |world| {
            if machine.ring.get() == ring {
                machine.ring(world);
            }
        });
    }

    fn ring(self: &Rc<Self>, world: &Rc<World>) {
        world.log(|| format!("{} rings", self.name));
        self.is_ringing.set(true);
        self.safety_net.set(None);
        self.set(None);
        self.light_fuse(world);
        let (machine, instance) = (Rc::clone(self), self.instance.get());
        let limit = Rc::clone(self);
        let ring = self.ring.get();
        world.tasks.after(ALARM_LIMIT_MS, move |world| {
            if limit.instance.get() == instance && limit.is_ringing.get() && limit.ring.get() == ring {
                if !world.plan.clock_jumps {
                    world.violation(format!("{}: an alarm takes longer than 15 minutes", limit.name));
                }
                limit.crash(world, "after 15 minutes of its alarm");
            }
        });
        let (object, world) = (self.object(world), Rc::clone(world));
        let work = {
            let world = Rc::clone(&world);
            async move {
                let ended = object.alarm(&|| {}).await;
                machine.rang(&world, ended.is_ok());
            }
        };
        world.tasks.spawn(Some(self.owner()), work);
    }

    /// The alarm's handler has returned.
    fn rang(self: &Rc<Self>, world: &Rc<World>, is_ok: bool) {
        if self.database.is_dead.get() {
            return;
        }
        self.is_ringing.set(false);
        let retries = self.retries.replace(if is_ok { 0 } else { self.retries.get() + 1 });
        if !is_ok && self.alarm.get().is_none() {
            if retries < ALARM_RETRIES {
                self.alarm.set(Some(self.clock(world) + (2_000 << retries)));
            } else {
                self.lost_alarm.set(true);
            }
        }
        self.ring.set(self.ring.get() + 1);
        // The end of the turn stores and arms it.
        if self.alarm.get() == self.stored_alarm.get() {
            self.arm(world);
        }
    }

    /// Lets the process die some statements later.
    fn light_fuse(&self, world: &World) {
        if world.strikes(world.plan.crash_in_statements) {
            self.database.fuse.set(u32::try_from(world.between(0, 60)).ok());
        }
    }

    /// A question arrives.
    pub fn ask(self: &Rc<Self>, world: &Rc<World>, ask: &str, answer: Later<Result<String, OutboxError>>) {
        self.light_fuse(world);
        let ask: Ask = serde_json::from_str(ask).expect("a question");
        let (object, machine) = (self.object(world), Rc::clone(self));
        let reply = Reply { world: Rc::clone(world), answer };
        world.tasks.spawn(Some(self.owner()), async move {
            let answered = match object.answer_now(&ask) {
                Some(answered) => answered,
                None => object.answer(&ask).await,
            };
            machine.output(move |_| reply.give(answered));
        });
    }

    /// Something leaves the object, at the end of the turn.
    fn output(&self, output: impl FnOnce(&Rc<World>) + 'static) {
        self.outputs.borrow_mut().push(Box::new(output));
    }

    /// Forgets its instance, which holds the world that holds it.
    pub fn forget(&self) {
        let (object, outputs) = (self.object.take(), self.outputs.take());
        drop((object, outputs));
    }
}

/// The caller learns that the object died.
struct Reply {
    world: Rc<World>,
    answer: Later<Result<String, OutboxError>>,
}

impl Reply {
    fn give(&self, answered: Result<String, OutboxError>) {
        let answer = self.answer.clone();
        let is_lost = self.world.plan.loses_answers && self.world.strikes(10);
        let answered = if is_lost { Err(OutboxError::Platform("the connection failed".to_owned())) } else { answered };
        self.world.tasks.after(self.world.between(1, 20), move |_| answer.give(answered));
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        let answer = self.answer.clone();
        let died = move |_: &Rc<World>| answer.give(Err(OutboxError::Platform("the object was reset".to_owned())));
        self.world.tasks.after(25, died);
    }
}

/// The platform, as an object sees it, or as the entry Worker does.
pub struct Platform {
    pub world: Rc<World>,
    pub machine: Option<Rc<Machine>>,
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.machine)
    }
}

impl Platform {
    /// Leaves at the end of the turn; the entry Worker stores nothing, so it sends at once.
    fn output(&self, output: impl FnOnce(&Rc<World>) + 'static) {
        match &self.machine {
            Some(machine) => machine.output(output),
            None => output(&self.world),
        }
    }

    fn machine(&self) -> &Rc<Machine> {
        self.machine.as_ref().expect("an object")
    }

    /// The rest of a turn in which the process died never comes.
    fn is_dead(&self) -> bool {
        self.machine.as_ref().is_some_and(|machine| machine.database.is_dead.get())
    }
}

impl Host for Platform {
    fn now(&self) -> i64 {
        self.machine.as_ref().map_or(self.world.now(), |machine| machine.clock(&self.world))
    }

    fn random(&self) -> f64 {
        self.world.random.borrow_mut().unit()
    }

    fn random_key(&self) -> [u8; 32] {
        [self.world.random.borrow_mut().below(256) as u8; 32]
    }

    fn has_secret(&self, name: &str) -> bool {
        self.world.secret(name).is_some()
    }

    fn log(&self, event: serde_json::Value) {
        self.world.log(|| format!("{} {event}", self.machine.as_ref().map_or("entry", |machine| &machine.name)));
    }
}

impl Network for Platform {
    fn ask(&self, outbox: &str, ask: &Ask, timeout_ms: u32) -> LocalBoxFuture<'static, Result<String, OutboxError>> {
        let answer = Later::default();
        let (given, late, outbox) = (answer.clone(), answer.clone(), outbox.to_owned());
        self.world.tasks.after(timeout_ms.into(), move |_| {
            late.give(Err(OutboxError::Platform("the object did not answer in time".to_owned())));
        });
        let ask = serde_json::to_string(ask).expect("a question");
        self.output(move |world| {
            let delay = world.between(1, 20);
            world.tasks.after(delay, move |world| {
                let machine = world.machine(&outbox);
                if machine.unreachable_until.get() > world.now() {
                    // It hangs, or the platform says so at once.
                    if world.one_in(2) {
                        given.give(Err(OutboxError::Platform("the object cannot be reached".to_owned())));
                    }
                    return;
                }
                machine.ask(world, &ask, given);
            });
        });
        answer.boxed_local()
    }

    fn send(&self, destination: String, call: Box<Call>) -> LocalBoxFuture<'static, Event> {
        let (event, machine) = (Later::default(), Rc::clone(self.machine()));
        let Some(found) = self.world.config().destination(&destination).cloned() else {
            event.give(Event::NotSent("not configured".to_owned()));
            return event.boxed_local();
        };
        let given = event.clone();
        self.output(move |world| network::send(world, &machine, &found, &call, &given));
        event.boxed_local()
    }

    fn alert(&self, _: String) -> LocalBoxFuture<'static, bool> {
        let (taken, given) = (Later::default(), self.world.one_in(2));
        let sent = taken.clone();
        self.output(move |world| world.tasks.after(100, move |_| sent.give(given)));
        taken.boxed_local()
    }

    fn sleep(&self, ms: u32) -> LocalBoxFuture<'static, ()> {
        let over = Later::default();
        let given = over.clone();
        self.world.tasks.after(ms.into(), move |_| given.give(()));
        over.boxed_local()
    }
}

impl Storage for Platform {
    fn alarm(&self) -> LocalBoxFuture<'_, Result<Option<i64>, OutboxError>> {
        if self.is_dead() {
            return pending().boxed_local();
        }
        // While storage is read, the platform delivers nothing else to the object.
        ready(Ok(self.machine().alarm.get())).boxed_local()
    }

    fn set_alarm(&self, at: Option<i64>) -> Result<(), OutboxError> {
        let machine = self.machine();
        if self.is_dead() {
            return Err(OutboxError::Platform("the process died".to_owned()));
        }
        if machine.database.is_full.get() && self.world.one_in(2) {
            machine.lost_alarm.set(true);
            return Err(OutboxError::Platform("the alarm cannot be stored".to_owned()));
        }
        if machine.is_ringing.get() && at == Some(machine.clock(&self.world) + SAFETY_NET_MS) {
            machine.safety_net.set(at);
        }
        machine.alarm.set(at);
        machine.lost_alarm.set(false);
        Ok(())
    }

    fn sync(&self) -> LocalBoxFuture<'_, Result<(), OutboxError>> {
        if self.is_dead() { pending().boxed_local() } else { self.pause(Ok(())) }
    }

    fn beside(&self, work: LocalBoxFuture<'static, ()>) {
        if !self.is_dead() {
            self.world.tasks.spawn(Some(self.machine().owner()), work);
        }
    }
}

impl Platform {
    /// Storage answers at once, or after a moment.
    fn pause<T: 'static>(&self, value: T) -> LocalBoxFuture<'static, T> {
        let later = Later::default();
        if self.world.one_in(2) {
            later.give(value);
        } else {
            let given = later.clone();
            self.world.tasks.after(self.world.between(0, 3), move |_| given.give(value));
        }
        later.boxed_local()
    }
}
