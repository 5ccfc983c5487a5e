//! Tasks and time: a deterministic executor. Tasks run in the order in which they were woken, events in the order of their
//! time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// Something that happens at its time.
pub type Event<W> = Box<dyn FnOnce(&Rc<W>)>;

/// A running future, and the instance of an object that it belongs to.
pub struct Task {
    pub owner: Option<(String, u64)>,
    pub future: Pin<Box<dyn Future<Output = ()>>>,
}

/// Tasks, events and the time.
pub struct Tasks<W> {
    pub now: Cell<i64>,
    next: Cell<u64>,
    events: RefCell<BTreeMap<(i64, u64), Event<W>>>,
    running: RefCell<BTreeMap<u64, Task>>,
    ready: Arc<Mutex<VecDeque<u64>>>,
}

struct TaskWaker {
    id: u64,
    ready: Arc<Mutex<VecDeque<u64>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock().expect("one thread");
        if !ready.contains(&self.id) {
            ready.push_back(self.id);
        }
    }
}

impl<W> Tasks<W> {
    pub fn new(now: i64) -> Self {
        Self {
            now: Cell::new(now),
            next: Cell::default(),
            events: RefCell::default(),
            running: RefCell::default(),
            ready: Arc::default(),
        }
    }

    fn number(&self) -> u64 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    /// Lets `event` happen after `delay` milliseconds.
    pub fn after(&self, delay: i64, event: impl FnOnce(&Rc<W>) + 'static) {
        let at = self.now.get() + delay.max(0);
        let number = self.number();
        self.events.borrow_mut().insert((at, number), Box::new(event));
    }

    pub fn spawn(&self, owner: Option<(String, u64)>, future: impl Future<Output = ()> + 'static) {
        let id = self.number();
        self.running.borrow_mut().insert(id, Task { owner, future: Box::pin(future) });
        self.ready.lock().expect("one thread").push_back(id);
    }

    /// The next task that can go on.
    pub fn take_ready(&self) -> Option<(u64, Task)> {
        loop {
            let id = self.ready.lock().expect("one thread").pop_front()?;
            if let Some(task) = self.running.borrow_mut().remove(&id) {
                return Some((id, task));
            }
        }
    }

    /// Runs a task until its next await. Returns whether it is over.
    pub fn poll(&self, id: u64, task: &mut Task) -> bool {
        let waker = Waker::from(Arc::new(TaskWaker { id, ready: Arc::clone(&self.ready) }));
        matches!(task.future.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(()))
    }

    pub fn put_back(&self, id: u64, task: Task) {
        self.running.borrow_mut().insert(id, task);
    }

    /// Ends the tasks of an instance.
    pub fn kill(&self, owner: &(String, u64)) {
        let is_theirs = |task: &Task| task.owner.as_ref() == Some(owner);
        let ids: Vec<u64> =
            self.running.borrow().iter().filter(|(_, task)| is_theirs(task)).map(|(id, _)| *id).collect();
        // A dropped future may write to the tasks.
        let dropped: Vec<_> = ids.iter().filter_map(|id| self.running.borrow_mut().remove(id)).collect();
        drop(dropped);
    }

    /// The next event up to `until`; the time moves there.
    pub fn next_event(&self, until: i64) -> Option<Event<W>> {
        let mut events = self.events.borrow_mut();
        let entry = events.first_entry().filter(|entry| entry.key().0 <= until)?;
        self.now.set(self.now.get().max(entry.key().0));
        Some(entry.remove())
    }

    /// Drops everything: tasks and events hold the world that holds them.
    pub fn clear(&self) {
        let (tasks, events) = (self.running.take(), self.events.take());
        drop((tasks, events));
        self.running.take();
        self.events.take();
    }
}

/// A value that comes later.
pub struct Later<T>(Rc<RefCell<(Option<T>, Option<Waker>)>>);

impl<T> Clone for Later<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Default for Later<T> {
    fn default() -> Self {
        Self(Rc::new(RefCell::new((None, None))))
    }
}

impl<T> Later<T> {
    /// Gives the value; the first one counts.
    pub fn give(&self, value: T) {
        let mut cell = self.0.borrow_mut();
        if cell.0.is_none() {
            cell.0 = Some(value);
            if let Some(waker) = cell.1.take() {
                drop(cell);
                waker.wake();
            }
        }
    }
}

impl<T> Future for Later<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut cell = self.0.borrow_mut();
        if let Some(value) = cell.0.take() {
            return Poll::Ready(value);
        }
        cell.1 = Some(context.waker().clone());
        Poll::Pending
    }
}
