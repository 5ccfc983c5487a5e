//! Disasters: what a plan lets happen to a whole world besides bad weather, and how it ends.

use std::rc::Rc;

use formcourier::outbox::client::Client;
use formcourier::outbox::names;
use formcourier::outbox::operate::Action;

use crate::machine::{Machine, Platform};
use crate::network;
use crate::plan::{Deploy, RETRIES};
use crate::world::{MINUTE, World};
use crate::{checks, visitors};

impl World {
    /// Draws what happens while faults last.
    pub fn schedule(self: &Rc<Self>) {
        let faults = self.plan.faults_ms;
        let often = |count: i64, event: fn(&Rc<World>)| {
            for _ in 0..self.between(0, count) {
                self.tasks.after(self.between(0, faults), event);
            }
        };
        // Some come all at once.
        let crowd = self.between(0, faults);
        for _ in 0..self.plan.stories {
            let at = if self.one_in(3) { crowd + self.between(0, 5_000) } else { self.between(0, faults) };
            self.tasks.after(at.min(faults - 1), visitors::story);
        }
        if self.plan.deploys {
            often(4, Self::deploy);
        }
        if self.plan.reshards {
            often(3, Self::reshard);
        }
        if self.plan.clock_jumps {
            often(4, |world| {
                let far = *world.random.borrow_mut().pick(&[500, 20_000, 600_000, 7_200_000]);
                if let Some(machine) = world.any_machine() {
                    machine.skew.set(world.between(-far, far));
                    world.log(|| format!("the clock of {} is off by {}", machine.name, machine.skew.get()));
                    machine.arm(world);
                }
            });
        }
        if self.plan.full_disk {
            often(3, |world| {
                let Some(machine) = world.any_machine() else { return };
                machine.database.is_full.set(true);
                world.log(|| format!("the disk of {} is full", machine.name));
                world.tasks.after(world.between(100, 300_000), move |world| {
                    world.log(|| format!("the disk of {} has room", machine.name));
                    machine.database.is_full.set(false);
                });
            });
        }
        if self.plan.unreachable {
            often(5, |world| {
                let Some(machine) = world.any_machine() else { return };
                let longest = *world.random.borrow_mut().pick(&[3_000, 60_000, 900_000]);
                let until = world.now() + world.between(100, longest);
                world.log(|| format!("{} cannot be reached for {} ms", machine.name, until - world.now()));
                machine.unreachable_until.set(until);
            });
        }
        if self.plan.poison {
            often(3, Self::poison);
        }
        if self.plan.operators {
            often(6, |world| {
                let count = world.visitors.letters.borrow().len();
                if count > 0 {
                    let index = world.random.borrow_mut().below(count);
                    world.act(if world.one_in(3) { Action::Spam } else { Action::Release }, index);
                }
            });
        }
        if self.plan.loses_alarms || self.plan.full_disk {
            self.tasks.after(5 * MINUTE, Self::sweep_again);
        }
    }

    fn any_machine(&self) -> Option<Rc<Machine>> {
        let machines = self.machines();
        (!machines.is_empty()).then(|| Rc::clone(self.random.borrow_mut().pick(&machines)))
    }

    fn sweep_again(self: &Rc<Self>) {
        if !self.is_healed() {
            self.sweep();
            self.tasks.after((5 * MINUTE).max(self.plan.faults_ms / 200), Self::sweep_again);
        }
    }

    /// The cron sweep: the config's Outboxes, and those that registered.
    pub fn sweep(self: &Rc<Self>) {
        let entry = Platform { world: Rc::clone(self), machine: None };
        let config = self.config();
        self.tasks.spawn(None, async move {
            let of_config = config.forms.values().flat_map(|form| names::of_form(&form.name, form.shards));
            let mut all: Vec<String> = of_config.collect();
            all.extend(Client::new(&entry, names::REGISTRY).outboxes().await.unwrap_or_default());
            all.sort();
            all.dedup();
            for name in all {
                // An object that never was asked anything has nothing to do.
                if entry.world.machines.borrow().contains_key(&name) {
                    drop(Client::new(&entry, &name).wake().await);
                }
            }
        });
    }

    /// A new version of the Worker: every object starts anew.
    fn deploy_now(self: &Rc<Self>, deploy: Deploy) {
        self.log(|| format!("deploy {deploy:?}"));
        let config = self.plan.config(&deploy);
        self.deploy.replace((Rc::new(config), deploy));
        self.machines().iter().for_each(|machine| machine.crash(self, "with a deploy"));
    }

    fn deploy(self: &Rc<Self>) {
        let mut deploy = self.deploy.borrow().1.clone();
        {
            let mut random = self.random.borrow_mut();
            let name = random.pick(&self.plan.destinations).name.clone();
            match random.between(0, 5) {
                0 | 1 => {
                    if !deploy.removed.remove(&name) {
                        deploy.removed.insert(name);
                        deploy.is_broken = random.one_in(3);
                    }
                }
                2 | 3 => {
                    let (secret, _) = network::secrets(&name, self.plan.destination(&name).vendor).remove(0);
                    if !deploy.missing_secrets.remove(&secret) {
                        deploy.missing_secrets.insert(secret);
                    }
                }
                _ => drop(deploy.retry.insert(name, *random.pick(&RETRIES))),
            }
        }
        self.deploy_now(deploy);
    }

    fn reshard(self: &Rc<Self>) {
        let mut deploy = self.deploy.borrow().1.clone();
        let form = self.random.borrow_mut().pick(&self.plan.forms).name.clone();
        let shards = u32::try_from(self.between(1, 4)).unwrap_or(1);
        deploy.shards.insert(form, shards);
        self.deploy_now(deploy);
    }

    /// A row is damaged.
    fn poison(self: &Rc<Self>) {
        let Some(machine) = self.any_machine().filter(|machine| machine.database.is_open()) else { return };
        let (table, column, key) = *self.random.borrow_mut().pick(&[
            ("submission", "body", "id"),
            ("delivery", "progress", "submission_id || destination"),
            ("delivery", "timeline", "submission_id || destination"),
        ]);
        let rows = machine.database.rows(&format!("SELECT {key}, {column} FROM {table} ORDER BY 1"));
        if rows.is_empty() {
            return;
        }
        let row = self.random.borrow_mut().pick(&rows).clone();
        let (id, text) = (checks::text(&row[0]), checks::text(&row[1]));
        self.log(|| format!("{column} of {id} in {} is damaged", machine.name));
        let set = format!("UPDATE {table} SET {column} = '{{damaged' WHERE {key} = '{id}'");
        machine.database.connection.execute_batch(&set).expect("an update");
        self.poisoned.borrow_mut().push((
            machine.name.clone(),
            format!("{table}.{column}"),
            format!("{key} = '{id}'"),
            text,
        ));
    }

    /// The faults end: the config is whole, the vendors are well, damaged rows are restored.
    pub fn heal(self: &Rc<Self>) {
        self.log(|| "the faults end".to_owned());
        self.is_healed.set(true);
        let (shards, retry) = {
            let deploy = self.deploy.borrow();
            (deploy.1.shards.clone(), deploy.1.retry.clone())
        };
        for (machine, place, row, text) in self.poisoned.take() {
            let (table, column) = place.split_once('.').unwrap_or_default();
            let text = text.replace('\'', "''");
            let sql = format!("UPDATE {table} SET {column} = '{text}' WHERE {row} AND {column} = '{{damaged'");
            self.machine(&machine).database.connection.execute_batch(&sql).expect("an update");
        }
        for machine in self.machines() {
            machine.database.is_full.set(false);
            machine.database.fuse.set(None);
            machine.unreachable_until.set(0);
            machine.skew.set(0);
            machine.arm(self);
        }
        if self.plan.deploys || self.plan.reshards {
            self.deploy_now(Deploy { retry, shards, ..Deploy::default() });
        }
        self.sweep();
    }
}
