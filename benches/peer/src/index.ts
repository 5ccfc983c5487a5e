// What a JavaScript developer would write instead: Hono, zod, one SQLite Durable Object per form.

import { Hono } from "hono";
import type { HonoRequest } from "hono";

import { enquiry, toLead } from "./enquiry";
import type { Outbox } from "./outbox";

export { Outbox } from "./outbox";

export interface Env {
  OUTBOX: DurableObjectNamespace<Outbox>;
  FORMS: Record<string, { destinations: string[]; allowedOrigins: string[]; redirect: string }>;
  DESTINATIONS: Record<string, { url: string; secret: string }>;
}

const app = new Hono<{ Bindings: Env }>();

app.post("/f/:form", async (c) => {
  const name = c.req.param("form");
  const form = c.env.FORMS[name];
  if (!form) return c.json({ ok: false, error: "UNKNOWN_FORM" }, 404);

  const origin = c.req.header("origin");
  if (origin && !form.allowedOrigins.includes(origin)) return c.json({ ok: false, error: "ORIGIN" }, 403);
  if (origin) c.header("Access-Control-Allow-Origin", origin);

  const fields = await decode(c.req);
  if (!fields) return c.json({ ok: false, error: "MALFORMED" }, 400);

  const id = crypto.randomUUID();
  // A bot that fills the honeypot is thanked, and nothing is stored.
  if (!fields._gotcha) {
    const parsed = enquiry.safeParse(fields);
    if (!parsed.success) {
      const errors = parsed.error.issues.map(({ path, message }) => ({ field: path.join("."), message }));
      return c.json({ ok: false, error: "VALIDATION", errors }, 422);
    }
    const submission = { id, form: name, receivedAt: Date.now(), fields, lead: toLead(parsed.data) };
    await c.env.OUTBOX.getByName(name).accept(submission, form.destinations);
  }
  if (c.req.header("accept")?.includes("text/html")) return c.redirect(form.redirect, 303);
  return c.json({ ok: true, id, next: form.redirect });
});

/** The fields of the body, or nothing when it cannot be read. */
async function decode(req: HonoRequest): Promise<Record<string, unknown> | undefined> {
  try {
    if (!req.header("content-type")?.startsWith("application/json")) return { ...(await req.parseBody()) };
    const body: unknown = await req.json();
    return typeof body === "object" && body !== null ? { ...body } : undefined;
  } catch {
    return undefined;
  }
}

export default app;
