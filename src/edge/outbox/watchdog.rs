//! The guard that a Rust panic cannot disarm.
//!
//! With panic=abort a panic in a Durable Object does not fail the request, it hangs it, and an alarm that hangs holds up
//! every later alarm for up to 15 minutes. So each handler arms a JavaScript timer that aborts the object, and disarms
//! it when it ends: after a panic `Drop` never runs, the timer fires, the object starts afresh and the runtime runs the
//! alarm again. The timer holds `state.abort` bound in JavaScript, no Rust closure: it works when the Wasm instance is gone.

use std::cell::RefCell;

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Result, State};

/// How long a handler may be silent. Long calls to vendors are no silence: the run loop pets the guard while it waits.
const SILENCE_MS: i32 = 12_000;

/// An armed timer; dropping it disarms it.
#[derive(Debug)]
pub struct Watchdog {
    abort: JsValue,
    timer: RefCell<JsValue>,
}

impl Watchdog {
    /// Arms the timer for the object of `state`.
    pub fn arm(state: &State) -> Result<Self> {
        let raw: &JsValue = state.as_raw().unchecked_ref();
        let abort: Function = Reflect::get(raw, &"abort".into())?.dyn_into()?;
        let abort: JsValue = abort.bind1(raw, &"watchdog".into()).into();
        let watchdog = Self { abort, timer: RefCell::new(JsValue::UNDEFINED) };
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
    }
}

fn call_global(name: &str, args: &Array) -> JsValue {
    let global = js_sys::global();
    let Ok(function) = Reflect::get(&global, &name.into()) else { return JsValue::UNDEFINED };
    let function: &Function = function.unchecked_ref();
    Reflect::apply(function, &global, args).unwrap_or(JsValue::UNDEFINED)
}
