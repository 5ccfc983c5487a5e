//! Visitors: what they send, how often, and what they were told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use formcourier::config::Lookup;
use formcourier::connectors::Call;
use formcourier::domain::{Fields, Submission};
use formcourier::intake::NewSubmission;
use formcourier::outbox::{Accepted, client};

use crate::machine::Platform;
use crate::world::World;

/// Repeats within this time are one submission: a little less than the minute that the Outbox looks back.
const REPEAT_MS: i64 = 55_000;

/// One message of one person, however often it is sent.
#[derive(Debug, Default)]
pub struct Letter {
    pub form: String,
    pub person: usize,
    pub is_evil: bool,
    pub has_email: bool,
    pub is_suspect: bool,
    /// Somebody may have taken it out of quarantine.
    pub is_cleared: Cell<bool>,
    /// An operator marked it as spam.
    pub is_marked: Cell<bool>,
    /// A repeat of it that is no suspect was acknowledged.
    pub is_clean: Cell<bool>,
    pub key: Option<String>,
    /// When it was sent, each time.
    pub sent_at: RefCell<Vec<i64>>,
    /// The ids under which it was acknowledged, and when.
    pub acknowledged: RefCell<Vec<(String, i64)>>,
    /// Its key was used for something else.
    pub was_refused: Cell<bool>,
}

#[derive(Default)]
pub struct Visitors {
    pub letters: RefCell<Vec<Rc<Letter>>>,
    people: Cell<usize>,
}

pub fn marker(letter: usize) -> String {
    format!("qm{letter:05}")
}

/// Stands in the name and the email address.
pub fn person(person: usize) -> String {
    format!("qp{person:05}")
}

pub fn email(person: usize) -> String {
    format!("qp{person:05}@example.com")
}

fn number_behind(text: &str, mark: &str) -> Option<usize> {
    let at = text.find(mark)? + mark.len();
    text.get(at..at + 5)?.parse().ok()
}

impl Visitors {
    pub fn letter(&self, index: usize) -> Rc<Letter> {
        Rc::clone(&self.letters.borrow()[index])
    }

    /// The letter that a call is about: its message, or the only one of its person.
    pub fn submission_of(&self, call: &Call) -> Option<usize> {
        let text = format!("{} {}", call.url, call.body.as_deref().unwrap_or_default()).to_lowercase();
        if let Some(letter) = number_behind(&text, "qm") {
            return Some(letter);
        }
        let person = number_behind(&text, "qp")?;
        let letters = self.letters.borrow();
        let mut theirs = letters.iter().enumerate().filter(|(_, letter)| letter.person == person);
        let (first, is_only) = (theirs.next()?.0, theirs.next().is_none());
        is_only.then_some(first)
    }

    pub fn is_evil(&self, index: usize) -> bool {
        self.letter(index).is_evil
    }

    /// Whether it was sent once, by a visitor who sent nothing else.
    pub fn is_single(&self, index: usize) -> bool {
        let letter = self.letter(index);
        let is_alone = self.letters.borrow().iter().filter(|other| other.person == letter.person).count() == 1;
        is_alone && letter.sent_at.borrow().len() == 1
    }

    pub fn may_leave(&self, index: usize) -> bool {
        let letter = self.letter(index);
        !letter.is_suspect || letter.is_cleared.get()
    }

    /// As how many submissions it may be stored.
    pub fn most_copies(&self, world: &World, index: usize) -> usize {
        let letter = self.letter(index);
        let sent_at = letter.sent_at.borrow();
        let span = sent_at.iter().max().unwrap_or(&0) - sent_at.iter().min().unwrap_or(&0);
        let is_one = !world.plan.reshards && (letter.key.is_some() || span <= REPEAT_MS);
        if is_one { 1 } else { sent_at.len() }
    }
}

/// One visitor, from the first click to the last.
pub fn story(world: &Rc<World>) {
    let mut random = world.random.borrow_mut();
    let form = random.pick(&world.plan.forms).name.clone();
    let visitors = &world.visitors;
    let is_known = visitors.people.get() > 0 && random.one_in(8);
    let person = if is_known {
        usize::try_from(random.next()).unwrap_or(0) % visitors.people.get()
    } else {
        visitors.people.get()
    };
    visitors.people.set(visitors.people.get().max(person + 1));
    let kind = random.between(0, 12);
    let index = visitors.letters.borrow().len();
    let letter = Letter {
        form: form.clone(),
        person,
        is_evil: kind == 0 && !is_known,
        has_email: kind != 1,
        is_suspect: matches!(kind, 2 | 3),
        key: matches!(kind, 4..=6).then(|| format!("key-{index}")),
        ..Letter::default()
    };
    visitors.letters.borrow_mut().push(Rc::new(letter));
    // (after, clean)
    let mut posts = vec![(0, false)];
    match kind {
        3 => posts.push((random.between(500, 40_000), true)),
        4 | 7 | 8 => posts.push((random.between(0, 3_000), false)),
        5 => posts.push((random.between(1_000, 600_000), false)),
        9 => posts.extend([(random.between(0, 20_000), false), (random.between(20_000, 50_000), false)]),
        _ => {}
    }
    drop(random);
    for (after, is_clean) in posts {
        world.tasks.after(after, move |world| post(world, index, is_clean, 0));
    }
    if kind == 6 {
        world.tasks.after(world.between(500, 60_000), move |world| other_content(world, index));
    }
}

/// Another message under the key of a letter: a mistake of the page.
fn other_content(world: &Rc<World>, index: usize) {
    let letter = world.visitors.letter(index);
    let other = Letter {
        form: letter.form.clone(),
        person: world.visitors.people.get(),
        has_email: true,
        key: letter.key.clone(),
        ..Letter::default()
    };
    world.visitors.people.set(world.visitors.people.get() + 1);
    let index = world.visitors.letters.borrow().len();
    world.visitors.letters.borrow_mut().push(Rc::new(other));
    post(world, index, false, 4);
}

fn post(world: &Rc<World>, index: usize, is_clean: bool, tries: u32) {
    let letter = world.visitors.letter(index);
    let config = world.config();
    let Lookup::Found(form) = config.form(&letter.form) else {
        // The page keeps the text; the visitor comes back.
        world.tasks.after(60_000, move |world| post(world, index, is_clean, tries));
        return;
    };
    let now = world.now();
    let mut fields = vec![
        ("name".to_owned(), format!("Ada Qp{:05}", letter.person)),
        ("phone".to_owned(), format!("+1555{:07}", letter.person)),
        ("message".to_owned(), format!("{} Please call me.", marker(index))),
    ];
    if letter.has_email {
        fields.push(("email".to_owned(), email(letter.person)));
    }
    let id = world.new_id();
    let new = NewSubmission {
        submission: Submission {
            id: id.clone(),
            form: letter.form.clone(),
            received_at: now,
            fields: Fields(fields),
            page: None,
            country: None,
            locale: None,
            ignored: Vec::new(),
        },
        destinations: form.destinations.clone(),
        key: letter.key.clone(),
        digest: format!("digest-{index}"),
        visitor: letter.key.is_none().then(|| format!("visitor-{index}")),
        reasons: if letter.is_suspect && !is_clean { vec!["links".to_owned()] } else { Vec::new() },
    };
    letter.sent_at.borrow_mut().push(now);
    if is_clean {
        letter.is_cleared.set(true);
    }
    world.log(|| format!("letter {index} is sent as {id}{}", if is_clean { ", clean" } else { "" }));
    let (config, entry) = (Rc::clone(&config), Platform { world: Rc::clone(world), machine: None });
    let world_too = Rc::clone(world);
    world.tasks.spawn(None, async move {
        let Lookup::Found(form) = config.form(&new.submission.form) else { return };
        let stored = client::store(&entry, form, new, "http://localhost".to_owned()).await;
        let world = world_too;
        world.log(|| format!("letter {index}, {id}: {stored:?}"));
        match stored {
            Ok(Accepted::Stored(id)) => {
                letter.is_clean.set(letter.is_clean.get() || is_clean);
                letter.acknowledged.borrow_mut().push((id, world.now()));
            }
            Ok(Accepted::KeyReused | Accepted::QuarantineFull) => letter.was_refused.set(true),
            Err(_) if tries < 4 => {
                let after = world.between(1_000, 30_000);
                world.tasks.after(after, move |world| post(world, index, is_clean, tries + 1));
            }
            Err(_) => {}
        }
    });
}
