// The least that a Worker with a Durable Object can do: read the body, insert a row, send it on by alarm. It decodes,
// checks and maps nothing.

import { DurableObject } from "cloudflare:workers";

export default {
  async fetch(request, env) {
    const form = new URL(request.url).pathname.slice(3);
    await env.OUTBOX.getByName(form).accept(await request.text(), env.FORMS[form].destinations[0]);
    const isPage = request.headers.get("accept").includes("text/html");
    return new Response(null, isPage ? { status: 303, headers: { location: env.FORMS[form].redirect } } : undefined);
  },
};

export class Outbox extends DurableObject {
  #isArmed = false;

  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS lead (id INTEGER PRIMARY KEY, body TEXT, destination TEXT, state INTEGER);
      CREATE INDEX IF NOT EXISTS due ON lead (id) WHERE state = 0;
    `);
  }

  accept(body, destination) {
    this.ctx.storage.sql.exec("INSERT INTO lead (body, destination, state) VALUES (?, ?, 0)", body, destination);
    if (!this.#isArmed) this.ctx.storage.setAlarm(Date.now());
    this.#isArmed = true;
  }

  async alarm() {
    const sql = "SELECT id, body, destination FROM lead WHERE state = 0 ORDER BY id LIMIT 6";
    const due = () => this.ctx.storage.sql.exec(sql).toArray();
    for (let leads = due(); leads.length > 0; leads = due()) {
      const sent = await Promise.all(leads.map((lead) => this.#send(lead)));
      // The busy CRM: what goes there stays stored.
      if (!sent.every(Boolean)) return;
    }
    this.#isArmed = false;
  }

  async #send({ id, body, destination }) {
    const { url, secret } = this.env.DESTINATIONS[destination];
    const headers = { authorization: `Bearer ${this.env[secret]}` };
    const response = await fetch(url, { method: "POST", headers, body });
    if (response.ok) this.ctx.storage.sql.exec("UPDATE lead SET state = 1 WHERE id = ?", id);
    await response.text();
    return response.ok;
  }
}
