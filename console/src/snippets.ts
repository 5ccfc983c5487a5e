// The form to paste into a website. Field names come from strangers' submissions, so only plain ones are used.

import { words } from "./words";

export interface Field {
  name: string;
  label: string;
  type: "text" | "email" | "tel" | "textarea";
}

const DEFAULTS: Field[] = [
  { name: "name", label: words.nameField, type: "text" },
  { name: "email", label: words.emailField, type: "email" },
  { name: "phone", label: words.phoneField, type: "tel" },
  { name: "message", label: words.messageField, type: "textarea" },
];

/** What a field's name says of it. */
function field(name: string): Field {
  const known = DEFAULTS.find((one) => one.name === name);
  if (known) return known;
  const label = (name[0]?.toUpperCase() ?? "") + name.slice(1).replace(/[_-]+/g, " ");
  if (/e-?mail|이메일/i.test(name)) return { name, label, type: "email" };
  if (/phone|mobile|tel\b|연락처|전화/i.test(name)) return { name, label, type: "tel" };
  return { name, label, type: /message|comment|inquiry|문의|내용/i.test(name) ? "textarea" : "text" };
}

/** Fields that scripts add; the visitor does not fill them in. */
const ADDED = /^_|^utm_|clid$|^(landing_page|referrer)$/;

/** The fields of the form to paste: those that were seen, or the usual ones. */
export function fields(seen: string[]): Field[] {
  const plain = seen.filter((name) => /^[\p{L}\p{N}][\p{L}\p{N}_-]{0,40}$/u.test(name) && !ADDED.test(name));
  return plain.length ? plain.slice(0, 20).map(field) : DEFAULTS;
}

const COMPLETES: Record<string, string> = { name: "name", email: "email", phone: "tel", company: "organization" };

/** One field; in JSX, attributes are in camel case and every element is closed. */
function control({ name, label, type }: Field, jsx: boolean): string {
  const completes = COMPLETES[name];
  const attributes = [
    `name="${name}"`,
    type === "email" || type === "tel" ? `type="${type}"` : "",
    completes ? `${jsx ? "autoComplete" : "autocomplete"}="${completes}"` : "",
    type === "email" ? "required" : "",
  ].filter(Boolean);
  const end = jsx ? " />" : ">";
  const element = type === "textarea" ? `<textarea name="${name}"${jsx ? " />" : "></textarea>"}` : `<input ${attributes.join(" ")}${end}`;
  return `<p><label>${label} ${element}</label></p>`;
}

const indent = (lines: string[], by: string) => lines.map((line) => by + line).join("\n");
const trap = '<p style="position:absolute;left:-9999px" aria-hidden="true"><input name="_gotcha" tabindex="-1" autocomplete="off"></p>';

export const SNIPPETS: [name: string, write: (endpoint: string, fields: Field[]) => string][] = [
  [
    "HTML",
    (endpoint, fields) => `<form action="${endpoint}" method="post">
${indent(fields.map((one) => control(one, false)).concat(trap, `<p><button>${words.send}</button></p>`), "  ")}
</form>
<script src="${new URL("/formcourier.js", endpoint).href}" defer></script>`,
  ],
  [
    "fetch",
    (endpoint, fields) => `<form id="contact">
${indent(fields.map((one) => control(one, false)).concat(trap, `<p><button>${words.send}</button></p>`, '<p role="status"></p>'), "  ")}
</form>
<script>
  const form = document.querySelector("#contact");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const status = form.querySelector("[role=status]");
    try {
      const response = await fetch("${endpoint}", {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new FormData(form),
      });
      const reply = await response.json();
      status.textContent = reply.message;
      if (reply.ok) form.reset();
    } catch {
      status.textContent = "…"; // No connection: the visitor can send it again.
    }
  });
</script>`,
  ],
  [
    "React",
    (endpoint, fields) => `export function ContactForm() {
  const [status, setStatus] = useState("");
  async function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const response = await fetch("${endpoint}", {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new FormData(form),
    });
    const reply = await response.json();
    setStatus(reply.message);
    if (reply.ok) form.reset();
  }
  return (
    <form onSubmit={submit}>
${indent(fields.map((one) => control(one, true)).concat(`<p><button>${words.send}</button></p>`, '<p role="status">{status}</p>'), "      ")}
    </form>
  );
}`,
  ],
];
