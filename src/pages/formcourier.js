// formcourier.js: makes any form that posts to this Worker pleasant to use. Without it, or when anything here fails, the
// form is posted by the browser as ever.
//
// The Worker serves formcourier.min.js, which `make build` writes from this file and which must stay under 4 KB gzipped.
(() => {
  "use strict";

  const script = document.currentScript || document.querySelector('script[src*="/formcourier.js"]');
  // `=== true`: an element with this id is a property of the window, too.
  if (!script || window.formcourier === true) return;
  window.formcourier = true;
  const worker = new URL(script.src).origin;

  const lang = (navigator.languages || []).find((tag) => /^(ko|en)/.test(tag))?.slice(0, 2) || "en";
  const words = lang === "ko"
    ? {
        sending: "보내는 중입니다…",
        offline: "오프라인 상태입니다. 다시 연결되면 바로 보내겠습니다.",
        later: "아직 보내지 못했습니다. 잠시 후 다시 시도합니다.",
        failed: "보내지 못했습니다. 입력하신 내용은 그대로 있으니 다시 보내 주세요.",
      }
    : {
        sending: "Sending…",
        offline: "You are offline. Your message will be sent as soon as you are back.",
        later: "It could not be sent yet. Trying again in a moment.",
        failed: "It could not be sent. What you typed is still here: please send it again.",
      };

  // ---- What is remembered -------------------------------------------------------------------------------------------

  // Storage may be forbidden; then nothing is remembered. `null` forgets.
  const remember = (area, key, value) => {
    try {
      const store = window[area];
      if (value === undefined) return JSON.parse(store.getItem(key));
      if (value === null) store.removeItem(key);
      else store.setItem(key, JSON.stringify(value));
    } catch {}
  };

  // How this visit began: campaign, referrer, first page, without any other part of their queries.
  const visit = (() => {
    if (script.dataset.visit === "off") return {};
    const begun = {};
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (/^(utm_(source|medium|campaign|term|content|id)|([gd]c|fbc|msclk|ttc|twc|[gw]bra)(l?id)|li_fat_id)$/.test(name))
        begun[name] = value.slice(0, 300);
    }
    const known = remember("sessionStorage", "formcourier:visit");
    // A new campaign begins a new visit.
    if (known && !Object.keys(begun).length) return known;
    const referrer = document.referrer.split(/[?#]/)[0];
    if (referrer && new URL(referrer).origin !== location.origin) begun.referrer = referrer;
    begun.landing_page = location.origin + location.pathname;
    remember("sessionStorage", "formcourier:visit", begun);
    return begun;
  })();

  const states = new WeakMap();
  const state = (form) => states.get(form) || (states.set(form, { marks: new Map() }), states.get(form));
  // The same until the message is stored, so that however often it is sent it is stored once.
  const key = (form) => (state(form).key ||= [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-"));

  // An attribute, not a property: a field named "id" or "action" would hide the property.
  const slot = (form) =>
    ["formcourier", location.pathname, form.getAttribute("action"), form.getAttribute("id") || [...document.forms].indexOf(form)].join(" ");

  // What a draft keeps: text that a person typed and would not mind finding again on this device.
  const texts = (form) =>
    form.dataset.formcourierDraft === "off"
      ? []
      : [...form.elements].filter(
          (el) =>
            el.matches("textarea,input,select:not([multiple])") &&
            !/^(hidden|password|file|submit|button|image|reset|checkbox|radio)$/.test(el.type) &&
            !/^$|^_|captcha|turnstile|^bot/.test(el.name) &&
            !/^(off|cc-|one-time)/.test(el.autocomplete),
        );

  const save = (form) => {
    const fields = texts(form);
    if (fields.length) remember("localStorage", slot(form), { at: Date.now(), key: key(form), texts: fields.map((el) => [el.name, el.value]) });
  };

  const forget = (form) => {
    state(form).key = null;
    remember("localStorage", slot(form), null);
  };

  // Fills a draft of the last day in; true when there was one.
  const restore = (form) => {
    const draft = remember("localStorage", slot(form));
    if (!draft || !(Date.now() - draft.at < 864e5)) return draft && forget(form);
    state(form).key = draft.key;
    texts(form).forEach((el, place) => {
      const [name, value] = draft.texts[place] || [];
      // Only what is as the page made it: never over what the browser or the visitor has filled in.
      if (name === el.name && value && value !== el.value && (el.matches("select") || el.value === el.defaultValue)) {
        el.value = value;
        el.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
    return true;
  };

  // ---- What the visitor sees ----------------------------------------------------------------------------------------

  const region = (form) => {
    let box = form.querySelector("[data-formcourier-status]");
    if (!box) {
      box = document.createElement("div");
      box.className = "formcourier-status";
      box.dataset.formcourierStatus = "";
      form.append(box);
    }
    if (!box.hasAttribute("role")) box.setAttribute("role", "status");
    // What is said while the form is busy is said; in the visitor's language, which may not be the page's.
    box.setAttribute("aria-busy", "false");
    box.lang = lang;
    return box;
  };

  const say = (form, text, bad) => {
    const box = region(form);
    box.setAttribute("role", bad ? "alert" : "status");
    box.textContent = text;
  };

  let count = 0;
  // Shows an error at its field; false when nobody sees it there: no such field, or one on another step of the form.
  const mark = (form, { field, message }) => {
    let el = field && form.elements.namedItem(field);
    // Several of one name: the first gets the focus, the message stands after the last.
    const last = el && !el.tagName ? el[el.length - 1] : el;
    if (el && !el.tagName) el = el[0];
    if (!el || el.type === "hidden") return false;
    const marks = state(form).marks;
    marks.get(field)?.();
    const own = form.querySelector('[data-error-for="' + CSS.escape(field) + '"]');
    const note = own || document.createElement("span");
    if (!own) {
      note.className = "formcourier-error";
      note.style.display = "block";
      (last.closest("label") || last).after(note);
    }
    note.id ||= "formcourier-" + ++count;
    note.lang = lang;
    note.textContent = message;
    const described = el.getAttribute("aria-describedby");
    el.setAttribute("aria-describedby", described ? described + " " + note.id : note.id);
    el.setAttribute("aria-invalid", "true");
    marks.set(field, () => {
      marks.delete(field);
      el.removeAttribute("aria-invalid");
      described ? el.setAttribute("aria-describedby", described) : el.removeAttribute("aria-describedby");
      own ? (note.textContent = "") : note.remove();
    });
    return el.getClientRects().length > 0;
  };

  const tell = (form, name, detail) =>
    form.dispatchEvent(new CustomEvent("formcourier:" + name, { bubbles: true, cancelable: true, detail }));

  // ---- Turnstile ----------------------------------------------------------------------------------------------------

  let cloudflare;
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  const widget = async (form) => {
    const s = state(form);
    if (s.box || !form.dataset.turnstileSitekey) return;
    s.box = document.createElement("div");
    region(form).before(s.box);
    cloudflare ||= new Promise((done, failed) => {
      const api = document.createElement("script");
      api.src = "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit";
      api.onload = done;
      api.onerror = failed;
      document.head.append(api);
    });
    try {
      await cloudflare;
      window.turnstile.render(s.box, { sitekey: form.dataset.turnstileSitekey, action: form.dataset.turnstileAction });
    } catch {
      // Blocked or unreachable: the next submit tries again, and the Worker says what is missing.
      cloudflare = null;
      s.box.remove();
      s.box = null;
    }
  };

  // A token is good for one submit, whatever came of it.
  const renew = (form) => {
    try {
      window.turnstile.reset(state(form).box || form.querySelector(".cf-turnstile"));
    } catch {}
  };

  // ---- Sending ------------------------------------------------------------------------------------------------------

  const asked = (form, submitter, name) => submitter?.getAttribute("form" + name) ?? form.getAttribute(name) ?? "";

  // Where a form posts to, when that is a form of this Worker.
  const target = (form, submitter) => {
    try {
      const url = new URL(asked(form, submitter, "action"), document.baseURI);
      const ours = url.origin === worker && /^\/f\/[^/]+\/?$/.test(url.pathname) && form.dataset.formcourier !== "off";
      return ours && /^post$/i.test(asked(form, submitter, "method")) && url;
    } catch {}
  };

  // The fields of the form, and those that it has not: the button, the visit, the time trap's stamp, the key.
  const gather = (form, submitter) => {
    const data = new FormData(form);
    // An empty form stays empty, so that it is refused as such.
    const filled = [...data].some(([name, value]) => name[0] !== "_" && (value.size ?? value.trim()));
    const more = { ...(filled && visit), _start: state(form).start, _id: key(form) };
    const extra = Object.entries(more).filter(([name, value]) => value && !data.has(name));
    if (submitter?.name) extra.push([submitter.name, submitter.value]);
    return [data, extra];
  };

  // The browser's own way, with the same key. The form is left as it was: the visitor may come back to it.
  const natively = (form, submitter) => {
    const extra = gather(form, submitter)[1];
    const own = ["action", "method"].map((name) => [name, asked(form, null, name)]);
    form.addEventListener("formdata", ({ formData }) => extra.forEach(([name, value]) => formData.append(name, value)), { once: true });
    form.setAttribute("action", target(form, submitter));
    form.setAttribute("method", "post");
    say(form, "");
    HTMLFormElement.prototype.submit.call(form);
    for (const [name, value] of own) form.setAttribute(name, value);
    return true;
  };
  const waiting = new Map();
  let blocked;
  // Whether the Worker can be reached at all, readable or not.
  const reachable = () => fetch(script.src, { mode: "no-cors", cache: "no-store" }).then(() => true, () => false);

  const wait = (form, submitter, seconds) => {
    const s = state(form);
    waiting.set(form, submitter);
    if (!navigator.onLine) return say(form, words.offline);
    s.tries = (s.tries || 0) + 1;
    if (s.tries > 5) return fail(form, { message: words.failed });
    say(form, words.later);
    s.timer = setTimeout(() => attempt(form, submitter), 1e3 * Math.min(seconds || 2 ** s.tries, 300) + 500 * Math.random());
  };

  const fail = (form, answer) => {
    waiting.delete(form);
    const homeless = (answer.errors || []).filter((error) => !mark(form, error));
    const told = homeless.map(({ field, message }) => (field ? field + ": " : "") + message);
    say(form, [...new Set([answer.message, ...told])].filter(Boolean).join(" "), true);
    [...form.elements].find((el) => el.getAttribute("aria-invalid") === "true")?.focus();
    tell(form, "failed", answer);
  };

  // Resolves to true when the page is about to be left.
  const send = async (form, submitter, again) => {
    const s = state(form);
    if (form.dataset.turnstileSitekey) {
      await Promise.race([widget(form), pause(8e3)]);
      for (let i = 0; s.box && i < 40 && !new FormData(form).get("cf-turnstile-response"); i++) await pause(200);
    }
    const [data, extra] = gather(form, submitter);
    for (const [name, value] of extra) data.append(name, value);
    const multipart = /multipart/i.test(asked(form, submitter, "enctype"));
    const body = multipart ? data : new URLSearchParams([...data].map(([name, value]) => [name, value.name ?? value.replace(/\r?\n/g, "\r\n")]));
    let reply, answer;
    try {
      // The key goes as a field and not as a header: so the post needs no preflight.
      reply = await fetch(target(form, submitter), {
        method: "POST", body,
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout?.(3e4),
      });
      answer = await reply.json().catch(() => 0);
    } catch (error) {
      // The site's policy or a blocker forbids the script and not the form: then the browser's own way is open. The
      // captcha's token goes along: nobody has used it, or this very key has.
      if (navigator.onLine && error.name !== "TimeoutError" && ((await reachable()) || blocked)) return natively(form, submitter);
      renew(form);
      return wait(form, submitter);
    }
    if (answer.ok) return sent(form, submitter, answer);
    const seconds = +reply.headers.get("Retry-After");
    const later = seconds || (!answer && (reply.ok || reply.status > 499));
    // No JSON: somebody between the Worker and us wants to show something to a person.
    if (!answer && !later) return natively(form, submitter);
    renew(form);
    if (later) return wait(form, submitter, seconds);
    if (answer.error === "KEY_REUSED" && !again) {
      // It was stored, its answer was lost, and the visitor has changed the text since: that is a new message.
      s.key = null;
      return send(form, submitter, true);
    }
    fail(form, { status: reply.status, ...answer });
  };

  const sent = (form, submitter, answer) => {
    forget(form);
    renew(form);
    if (!tell(form, "sent", answer)) return say(form, "");
    if (!form.hasAttribute("data-formcourier-stay") && /^https?:/.test(answer.next)) {
      const frame = asked(form, submitter, "target"); // a window that may not be opened is no reason not to go on
      if (/^(_self)?$/i.test(frame) || !window.open(answer.next, frame)) {
        say(form, answer.message);
        location.assign(answer.next);
        return true;
      }
    }
    HTMLFormElement.prototype.reset.call(form); // `form.reset` may be a field
    say(form, answer.message);
  };

  const attempt = (form, submitter) => {
    const s = state(form);
    if (s.busy) return;
    s.busy = true;
    clearTimeout(s.timer);
    waiting.delete(form);
    for (const undo of [...s.marks.values()]) undo();
    const focused = document.activeElement;
    const buttons = [...form.elements].filter((el) => el.type === "submit" && !el.disabled);
    for (const button of buttons) button.disabled = true;
    form.setAttribute("aria-busy", "true");
    say(form, words.sending);
    s.release = () => {
      s.busy = false;
      form.removeAttribute("aria-busy");
      for (const button of buttons) button.disabled = false;
      // A button that is disabled loses the focus.
      if (buttons.includes(focused) && document.activeElement === document.body) focused.focus();
    };
    send(form, submitter)
      .catch(() => natively(form, submitter))
      // The form stays locked while the next page loads, but not for ever: the visitor may come back to this one.
      .then((leaving) => (leaving ? setTimeout(s.release, 5e3) : s.release()));
  };

  // ---- Which forms: listeners on the document see those that are added later, too ------------------------------------

  // The time trap: when this visit first saw the form, signed by the Worker. Whoever has it and sends at once is no person;
  // so it is not asked for where a person can be that quick: with a draft, a form that comes up later, or a page that took so
  // long to load that somebody may have begun.
  const stamp = (form, early) => {
    const url = target(form);
    if (!url) return; // only one of its buttons leads to the Worker
    const from = url.origin + url.pathname.replace(/\/$/, "") + "/start";
    state(form).start = remember("sessionStorage", from);
    if (!early || state(form).start || performance.now() > 3e3) return;
    fetch(from)
      .then((reply) => reply.json())
      .then(({ _start }) => _start && remember("sessionStorage", from, (state(form).start = _start)))
      .catch(() => {});
  };

  const prepare = (form, early) => {
    const s = state(form);
    if (s.ready) return;
    s.ready = true;
    region(form);
    stamp(form, !restore(form) && early);
    widget(form);
  };

  const touched = (event) => {
    const form = event.target.form;
    if (!form || !target(form)) return;
    prepare(form);
    const s = state(form);
    if (event.type === "input") {
      s.marks.get(event.target.name)?.();
      save(form);
    }
  };

  for (const name of ["focusin", "input"]) document.addEventListener(name, touched);
  document.addEventListener("reset", (event) => target(event.target) && forget(event.target));
  document.addEventListener("securitypolicyviolation", (event) => (blocked ||= event.blockedURI.startsWith(worker)));
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !target(form, event.submitter)) return;
    event.preventDefault();
    try {
      prepare(form);
      state(form).tries = 0;
      attempt(form, event.submitter);
    } catch {
      natively(form, event.submitter);
    }
  });
  window.addEventListener("online", () => {
    for (const [form, submitter] of [...waiting]) attempt(form, submitter);
  });

  const ready = () => [...document.forms].filter((form) => target(form)).forEach((form) => prepare(form, true));
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", ready) : ready();
})();
