//! Operators: they release single submissions and, in the end, everything that waits.

use std::rc::Rc;

use formcourier::outbox::client::{Ask, Client};
use formcourier::outbox::names;
use formcourier::outbox::operate::Action;

use crate::checks;
use crate::machine::{Machine, Platform};
use crate::world::World;

fn act(action: Action, id: &str) -> Ask {
    Ask::Act { action, id: id.to_owned(), actor: "token".to_owned() }
}

impl World {
    /// An operator releases a letter, or marks it as spam, wherever it is.
    pub fn act(self: &Rc<Self>, action: Action, index: usize) {
        let letter = self.visitors.letter(index);
        match action {
            Action::Spam => letter.is_marked.set(true),
            _ => letter.is_cleared.set(true),
        }
        let ids: Vec<String> = letter.acknowledged.borrow().iter().map(|(id, _)| id.clone()).collect();
        let entry = Platform { world: Rc::clone(self), machine: None };
        self.log(|| format!("an operator does {} to letter {index}", action.name()));
        let of_form: Vec<Rc<Machine>> =
            self.machines().into_iter().filter(|machine| names::form_of(&machine.name) == letter.form).collect();
        self.tasks.spawn(None, async move {
            for (machine, id) in of_form.iter().flat_map(|machine| ids.iter().map(move |id| (machine, id))) {
                drop(Client::new(&entry, &machine.name).ask_json(&act(action, id)).await);
            }
        });
    }

    pub fn release_everything(self: &Rc<Self>) {
        self.log(|| "operators release everything".to_owned());
        self.visitors.letters.borrow().iter().for_each(|letter| letter.is_cleared.set(true));
        for machine in self.machines().into_iter().filter(|machine| machine.database.is_open()) {
            let ids = machine.database.rows("SELECT id FROM submission");
            let entry = Platform { world: Rc::clone(self), machine: None };
            self.tasks.spawn(None, async move {
                for row in ids {
                    drop(
                        Client::new(&entry, &machine.name)
                            .ask_json(&act(Action::Release, &checks::text(&row[0])))
                            .await,
                    );
                }
            });
        }
    }
}
