// formcourier.js sends the forms of a page to this Worker in the background. If it fails, the browser posts the form.
//
// `make build` minifies it into the static assets. It must stay under 4 KB gzipped.
(() => {
  const script = document.currentScript || document.querySelector('script[src*="/formcourier.js"]');
  // `=== true`, because an element with this id is a property of the window too.
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

  // ---- Storage ------------------------------------------------------------------------------------------------------

  // Reads, writes, or with `null` removes an entry. Does nothing where the browser forbids storage.
  const remember = (area, key, value) => {
    try {
      const store = window[area];
      if (value === undefined) return JSON.parse(store.getItem(key));
      if (value === null) store.removeItem(key);
      else store.setItem(key, JSON.stringify(value));
    } catch {}
  };

  // How this visit began: campaign, referrer, first page. Other query parameters are left out.
  const visit = (() => {
    if (script.dataset.visit === "off") return {};
    const begun = {};
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (/^(utm_(source|medium|campaign|term|content|id)|([gd]c|fbc|msclk|ttc|twc|[gw]bra)(l?id)|li_fat_id)$/.test(name))
        begun[name] = value.slice(0, 300);
    }
    const known = remember("sessionStorage", "formcourier:visit");
    // A new campaign starts a new visit.
    if (known && !Object.keys(begun).length) return known;
    const referrer = document.referrer.split(/[?#]/)[0];
    if (referrer && new URL(referrer).origin !== location.origin) begun.referrer = referrer;
    begun.landing_page = location.origin + location.pathname;
    remember("sessionStorage", "formcourier:visit", begun);
    return begun;
  })();

  const states = new WeakMap();
  const state = (form) => states.get(form) || (states.set(form, { marks: new Map() }), states.get(form));
  // The idempotency key: the same until the message is stored, so that repeats are stored once.
  const key = (form) => (state(form).key ||= [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-"));

  // Attributes, because a field named "id" or "action" hides the property.
  const slot = (form) =>
    ["formcourier", location.pathname, form.getAttribute("action"), form.getAttribute("id") || [...document.forms].indexOf(form)].join(" ");

  // The fields that a person types or chooses, nothing secret among them.
  const texts = (form) =>
    [...form.elements].filter(
      (el) =>
        el.matches("textarea,input,select:not([multiple])") &&
        !/^(hidden|password|file|submit|button|image|reset|checkbox|radio)$/.test(el.type) &&
        !/^$|^_|captcha|turnstile|^bot/.test(el.name) &&
        !/^(off|cc-|one-time)/.test(el.autocomplete),
    );

  const save = (form) => {
    const fields = texts(form);
    if (!fields.length || form.dataset.formcourierDraft === "off") return;
    remember("localStorage", slot(form), { at: Date.now(), key: key(form), texts: fields.map((el) => [el.name, el.value]) });
  };

  const erase = (form) => remember("localStorage", slot(form), null);

  const forget = (form) => {
    state(form).key = null;
    erase(form);
  };

  // Deletes the drafts of all pages after a day.
  const sweep = () => {
    try {
      for (const name of Object.keys(localStorage)) {
        if (/^formcourier /.test(name) && !(Date.now() - remember("localStorage", name)?.at < 864e5)) remember("localStorage", name, null);
      }
    } catch {}
  };

  // Fills in the draft.
  const restore = (form) => {
    const draft = remember("localStorage", slot(form));
    if (!draft) return;
    state(form).key = draft.key;
    texts(form).forEach((el, place) => {
      const [name, value] = draft.texts[place] || [];
      // Never over what the browser or the visitor has filled in.
      if (name === el.name && value && value !== el.value && (el.matches("select") || el.value === el.defaultValue)) {
        el.value = value;
        el.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
  };

  // ---- Messages and errors ------------------------------------------------------------------------------------------

  const region = (form) => {
    let box = form.querySelector("[data-formcourier-status]");
    if (!box) {
      box = document.createElement("div");
      box.className = "formcourier-status";
      box.dataset.formcourierStatus = "";
      form.append(box);
    }
    box.setAttribute("role", "status");
    // Screen readers announce it although the form is busy, in the visitor's language, which may not be the page's.
    box.setAttribute("aria-busy", "false");
    box.lang = lang;
    return box;
  };

  const say = (form, text, bad) => {
    const box = region(form);
    if (bad) box.setAttribute("role", "alert");
    box.textContent = text;
  };

  let count = 0;
  // Shows an error at its field. False if it is invisible there: no such field, or a hidden step of the form.
  const mark = (form, { field, message }) => {
    let el = field && form.elements.namedItem(field);
    // Several fields of one name: the first gets the focus, the message goes after the last.
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
      // Blocked or unreachable: the next submit tries again, and the Worker's reply says what is missing.
      cloudflare = null;
      s.box.remove();
      s.box = null;
    }
  };

  // A token works once, whatever the reply.
  const renew = (form) => {
    try {
      window.turnstile.reset(state(form).box || form.querySelector(".cf-turnstile"));
    } catch {}
  };

  // ---- Sending ------------------------------------------------------------------------------------------------------

  const asked = (form, submitter, name) => submitter?.getAttribute("form" + name) ?? form.getAttribute(name) ?? "";

  // The address that a form posts to, if it is this Worker's.
  const target = (form, submitter) => {
    try {
      const url = new URL(asked(form, submitter, "action"), document.baseURI);
      const ours = url.origin === worker && /^\/f\/[^/]+\/?$/.test(url.pathname) && form.dataset.formcourier !== "off";
      return ours && /^post$/i.test(asked(form, submitter, "method")) && url;
    } catch {}
  };

  // The form's fields, and what is added: the button, the visit, the stamp of the time check, the key.
  const gather = (form, submitter) => {
    const data = new FormData(form);
    // An empty form stays empty, so that the Worker refuses it.
    const filled = [...data].some(([name, value]) => name[0] !== "_" && (value.size ?? value.trim()));
    // The browser fills in a form in less than three seconds.
    const quick = CSS.supports("selector(:autofill)") && form.querySelector(":autofill");
    const more = { ...(filled && visit), _start: !quick && state(form).start, _id: key(form) };
    const extra = Object.entries(more).filter(([name, value]) => value && !data.has(name));
    if (submitter?.name) extra.push([submitter.name, submitter.value]);
    return [data, extra];
  };

  // Lets the browser post the form, with the same key, and leaves the form unchanged for a visitor who goes back. The draft
  // goes: a draft of a stored message would be filled in again.
  const natively = (form, submitter) => {
    const extra = gather(form, submitter)[1];
    const own = ["action", "method"].map((name) => [name, asked(form, null, name)]);
    form.addEventListener("formdata", ({ formData }) => extra.forEach(([name, value]) => formData.append(name, value)), { once: true });
    form.setAttribute("action", target(form, submitter));
    form.setAttribute("method", "post");
    say(form, "");
    erase(form);
    HTMLFormElement.prototype.submit.call(form);
    for (const [name, value] of own) form.setAttribute(name, value);
    return true;
  };
  const waiting = new Map();
  let blocked;
  // Whether the Worker responds at all, readable or not.
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
    // A correction takes a person less than three seconds, so the time check ends here.
    state(form).start = null;
    const unseen = (answer.errors || []).filter((error) => !mark(form, error));
    const lines = unseen.map(({ field, message }) => (field ? field + ": " : "") + message);
    say(form, [...new Set([answer.message, ...lines])].filter(Boolean).join(" "), true);
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
      // The key is a field and not a header, so the post needs no preflight.
      reply = await fetch(target(form, submitter), {
        method: "POST", body,
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout?.(3e4),
      });
      answer = await reply.json().catch(() => 0);
    } catch (error) {
      // A policy or a blocker stops the script but not the browser. The captcha's token is still valid: it is unused, or was
      // used with this key.
      if (navigator.onLine && error.name !== "TimeoutError" && ((await reachable()) || blocked)) return natively(form, submitter);
      renew(form);
      return wait(form, submitter);
    }
    if (answer.ok) return sent(form, submitter, answer);
    const seconds = +reply.headers.get("Retry-After");
    const later = seconds || (!answer && (reply.ok || reply.status > 499));
    // No JSON: a proxy wants to show a page, such as a challenge.
    if (!answer && !later) return natively(form, submitter);
    renew(form);
    if (later) return wait(form, submitter, seconds);
    if (answer.error === "KEY_REUSED" && !again) {
      // It was stored, the reply was lost, and the visitor has changed the text since: a new message.
      s.key = null;
      return send(form, submitter, true);
    }
    fail(form, { ...answer, status: reply.status });
  };

  const sent = (form, submitter, answer) => {
    forget(form);
    renew(form);
    if (!tell(form, "sent", answer)) return say(form, "");
    if (!form.hasAttribute("data-formcourier-stay") && /^https?:/.test(answer.next)) {
      const frame = asked(form, submitter, "target"); // if a popup is blocked, this page goes there
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
      // A disabled button loses the focus.
      if (buttons.includes(focused) && document.activeElement === document.body) focused.focus();
    };
    send(form, submitter)
      .catch(() => natively(form, submitter))
      // The form stays locked while the next page loads, but not forever: the visitor may go back.
      .then((leaving) => (leaving ? setTimeout(s.release, 5e3) : s.release()));
  };

  // ---- Listeners on the document: they see forms that are added later -----------------------------------------------

  // The time check's stamp: when the visitor first entered a field of this form, signed by the Worker. A visit that touches no
  // form costs no request. It is not fetched where a person may send within three seconds: when something is filled in, by a
  // draft, by the browser, or before this script had loaded.
  const stamp = (form, field) => {
    const s = state(form);
    if (s.start !== undefined) return;
    const url = target(form);
    const from = url.origin + url.pathname.replace(/\/?$/, "/start");
    s.start = remember("sessionStorage", from) || null;
    const fields = texts(form);
    if (s.start || !fields.includes(field) || fields.some((el) => (el.defaultValue ?? el.value) !== el.value)) return;
    fetch(from)
      .then((reply) => reply.json())
      .then(({ _start }) => _start && remember("sessionStorage", from, (s.start = _start)))
      .catch(() => {});
  };

  const prepare = (form) => {
    const s = state(form);
    if (s.ready) return;
    s.ready = true;
    region(form);
    restore(form);
    widget(form);
  };

  const touched = (event) => {
    const form = event.target.form;
    if (!form || !target(form)) return;
    prepare(form);
    stamp(form, event.target);
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

  sweep();
  const ready = () => [...document.forms].filter((form) => target(form)).forEach(prepare);
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", ready) : ready();
})();
