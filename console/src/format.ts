// Times, numbers and names as a person reads them, in the viewer's language and time zone.

import type { Submission } from "./api";
import { language, words } from "./words";

const long = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const today = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
const thisYear = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const date = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
const exact = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

/** `14:05` today, `3 Nov, 14:05` this year, and in full before. */
export function shortTime(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (at.toDateString() === now.toDateString()) return today.format(at);
  return at.getFullYear() === now.getFullYear() ? thisYear.format(at) : long.format(at);
}

export const longTime = (iso: string) => long.format(new Date(iso));
export const callTime = (iso: string) => exact.format(new Date(iso));

/** A day of the statistics, which is in UTC. */
export const dayName = (day: string) => date.format(new Date(`${day}T12:00:00`));

export const number = (n: number) => n.toLocaleString(language);

/** `850 ms`, `1.4 s`, `3 min`, `2 h`. */
export function duration(ms: number): string {
  const unit = (value: number, unit: string) =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
  if (ms < 1000) return unit(ms, "millisecond");
  if (ms < 60_000) return unit(ms / 1000, "second");
  if (ms < 3_600_000) return unit(ms / 60_000, "minute");
  return unit(ms / 3_600_000, "hour");
}

/** Who wrote, and the start of what: the first field that looks like a name, an email, a text. */
export function summary({ fields }: Submission): { who: string; says: string } {
  const filled = fields.filter(([name, value]) => value.trim() && !name.startsWith("_"));
  const named = filled.filter(([name]) => /name|이름|성함|성명/i.test(name) && !/company|회사|page|user/i.test(name));
  // The whole name, or the first and the last.
  const whole = named.find(([name]) => /^(full.?)?name$|^이름$/i.test(name));
  const name = (whole ? [whole] : named.slice(0, 2)).map(([, value]) => value);
  const email = filled.find(([, value]) => /^\S+@\S+\.\S+$/.test(value))?.[1];
  const rest = filled.filter(([, value]) => !name.includes(value) && value !== email);
  const says = rest.sort((a, b) => b[1].length - a[1].length)[0]?.[1] ?? "";
  return { who: [name.join(" "), email].filter(Boolean).join(" · ") || filled[0]?.[1] || words.noFields, says: says.slice(0, 300) };
}

/** `honeypot:website` and `signal:links` in words, with the name that they hold. */
export function reason(code: string): string {
  const [kind = "", detail] = code.split(":");
  const text = words.reasons[kind];
  return text ? (detail ? `${text} (${detail})` : text) : code;
}

/** Any JSON as rows of a name and a text: `{"a": {"b": 1}}` is `a.b`, 1. */
export function rows(value: unknown, name = ""): [string, string][] {
  if (value === null || value === undefined || value === "") return [];
  if (typeof value !== "object") return [[name, String(value)]];
  if (Array.isArray(value)) {
    // Pairs, as fields are.
    const pairs = value.every((one) => Array.isArray(one) && one.length === 2 && typeof one[0] === "string");
    if (pairs) return value.flatMap(([key, one]) => rows(one, key as string));
    return value.flatMap((one, place) => rows(one, typeof one === "object" ? `${name}.${place + 1}` : name));
  }
  return Object.entries(value).flatMap(([key, one]) => rows(one, name ? `${name}.${key}` : key));
}
