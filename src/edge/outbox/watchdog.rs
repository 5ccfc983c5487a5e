//! The guard that a Rust panic cannot disarm.
//!
//! With panic=abort a panic in a Durable Object does not fail the request, it hangs it, and an alarm that hangs holds up
//! every later alarm for up to 15 minutes. So each handler arms a JavaScript timer that aborts the object, and disarms
//! it when it ends: after a panic `Drop` never runs, the timer fires, the object starts afresh and the runtime runs the
//! alarm again. The timer holds `state.abort` bound in JavaScript, no Rust closure: it works when the Wasm instance is gone.

use std::cell::RefCell;
use std::collections::BTreeMap;

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Result, State};

/// How long a handler may be silent. Long calls to vendors are no silence: the run loop pets the guard while it waits.
const SILENCE_MS: i32 = 12_000;

thread_local! {
    /// What aborts the objects whose handlers are running, by the number of their guard.
    static ARMED: RefCell<BTreeMap<u32, JsValue>> = const { RefCell::new(BTreeMap::new()) };
}

/// Called by the panic hook: resets every object that has a handler running, right after this turn. That saves the wait
/// for the timers; where it cannot work (the panic came from another I/O context), the timers do.
pub fn abort_all() {
    let aborts: Vec<JsValue> =
        ARMED.with(|armed| armed.try_borrow().map(|armed| armed.values().cloned().collect())).unwrap_or_default();
    for abort in aborts {
        // Not at once: an abort inside the hook would end this turn before the instance is marked for its reset.
        call_global("setTimeout", &Array::of2(&abort, &0.into()));
    }
}

/// An armed timer; dropping it disarms it.
#[derive(Debug)]
pub struct Watchdog {
    number: u32,
    abort: JsValue,
    timer: RefCell<JsValue>,
}

impl Watchdog {
    /// Arms the timer for the object of `state`.
    pub fn arm(state: &State) -> Result<Self> {
        let raw: &JsValue = state.as_raw().unchecked_ref();
        let abort: Function = Reflect::get(raw, &"abort".into())?.dyn_into()?;
        let abort: JsValue = abort.bind1(raw, &"watchdog".into()).into();
        let number = ARMED.with(|armed| {
            let mut armed = armed.borrow_mut();
            let number = armed.keys().next_back().map_or(0, |last| last.wrapping_add(1));
            armed.insert(number, abort.clone());
            number
        });
        let watchdog = Self { number, abort, timer: RefCell::new(JsValue::UNDEFINED) };
        watchdog.pet();
        Ok(watchdog)
    }

    /// Starts the time over: the handler is alive.
    pub fn pet(&self) {
        self.disarm();
        let args = Array::of2(&self.abort, &SILENCE_MS.into());
        self.timer.replace(call_global("setTimeout", &args));
    }

    fn disarm(&self) {
        let timer = self.timer.replace(JsValue::UNDEFINED);
        if !timer.is_undefined() {
            call_global("clearTimeout", &Array::of1(&timer));
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.disarm();
        ARMED.with(|armed| armed.borrow_mut().remove(&self.number));
    }
}

fn call_global(name: &str, args: &Array) -> JsValue {
    let global = js_sys::global();
    let Ok(function) = Reflect::get(&global, &name.into()) else { return JsValue::UNDEFINED };
    let function: &Function = function.unchecked_ref();
    Reflect::apply(function, &global, args).unwrap_or(JsValue::UNDEFINED)
}
