import { DurableObject } from "cloudflare:workers";

import type { Lead } from "./enquiry";
import type { Env } from "./index";

export interface Submission {
  id: string;
  form: string;
  receivedAt: number;
  fields: Record<string, unknown>;
  lead: Lead;
}

type Pause = { destination: string; until: number };
type Due = { submission_id: string; destination: string; attempts: number; body: string };

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long to wait after each failed attempt; after the last one a person has to look. */
const RETRIES = [5 * SECOND, 30 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 24 * HOUR];
const TIMEOUT = 20 * SECOND;
/** Connections that a Durable Object may have open at a time. */
const PARALLEL = 6;

/** Stores the submissions of a form and delivers them. */
export class Outbox extends DurableObject<Env> {
  #storage = this.ctx.storage;
  #sql = this.ctx.storage.sql;
  /** Until when a destination has asked to be left alone. */
  #pausedUntil = new Map<string, number>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS submission (id TEXT PRIMARY KEY, received_at INTEGER NOT NULL, body TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS delivery (
        submission_id TEXT NOT NULL REFERENCES submission (id),
        destination TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending',
        attempts INTEGER NOT NULL DEFAULT 0,
        next_at INTEGER NOT NULL,
        record_id TEXT,
        error TEXT,
        PRIMARY KEY (submission_id, destination)
      );
      CREATE INDEX IF NOT EXISTS delivery_due ON delivery (destination, next_at) WHERE state = 'pending';
      CREATE TABLE IF NOT EXISTS pause (destination TEXT PRIMARY KEY, until INTEGER NOT NULL);
    `);
    for (const { destination, until } of this.#sql.exec<Pause>("SELECT * FROM pause")) {
      this.#pausedUntil.set(destination, until);
    }
  }

  async accept(submission: Submission, destinations: string[]): Promise<void> {
    const { id, form, receivedAt } = submission;
    this.#storage.transactionSync(() => {
      this.#sql.exec("INSERT INTO submission VALUES (?, ?, ?)", id, receivedAt, JSON.stringify(submission));
      for (const destination of destinations) {
        this.#sql.exec(
          "INSERT INTO delivery (submission_id, destination, next_at) VALUES (?, ?, ?)",
          id, destination, receivedAt,
        );
      }
    });
    await this.#wakeAt(Math.min(...destinations.map((name) => Math.max(receivedAt, this.#pauseEnd(name)))));
    console.log(JSON.stringify({ event: "accepted", form, submission: id }));
  }

  async alarm(): Promise<void> {
    const names = this.env.FORMS[this.ctx.id.name!]!.destinations;
    for (let due = this.#due(names); due.length > 0; due = this.#due(names)) {
      await Promise.all(due.map((delivery) => this.#deliver(delivery)));
    }
    const times = names.flatMap((name) => {
      const sql = "SELECT MIN(next_at) AS at FROM delivery WHERE state = 'pending' AND destination = ?";
      const { at } = this.#sql.exec<{ at: number | null }>(sql, name).one();
      return at === null ? [] : [Math.max(at, this.#pauseEnd(name))];
    });
    if (times.length > 0) await this.#wakeAt(Math.min(...times));
  }

  /** What is due at destinations that take leads. */
  #due(names: string[]): Due[] {
    const now = Date.now();
    const open = names.filter((name) => this.#pauseEnd(name) <= now);
    const due = open.flatMap((name) =>
      this.#sql
        .exec<Due>(
          `SELECT submission_id, destination, attempts, body
           FROM delivery JOIN submission ON submission.id = submission_id
           WHERE state = 'pending' AND destination = ? AND next_at <= ? ORDER BY next_at LIMIT ?`,
          name, now, PARALLEL,
        )
        .toArray(),
    );
    return due.slice(0, PARALLEL);
  }

  async #deliver({ submission_id, destination, attempts, body }: Due): Promise<void> {
    const { lead }: Submission = JSON.parse(body);
    try {
      const recordId = await this.#send(destination, submission_id, lead);
      this.#sql.exec(
        `UPDATE delivery SET state = 'delivered', attempts = ?, record_id = ?
         WHERE submission_id = ? AND destination = ?`,
        attempts + 1, recordId, submission_id, destination,
      );
      console.log(JSON.stringify({ event: "delivered", submission: submission_id, destination }));
    } catch (error) {
      const wait = RETRIES[attempts];
      this.#sql.exec(
        `UPDATE delivery SET state = ?, attempts = ?, next_at = ?, error = ?
         WHERE submission_id = ? AND destination = ?`,
        wait === undefined ? "exhausted" : "pending", attempts + 1, Date.now() + (wait ?? 0), String(error),
        submission_id, destination,
      );
      console.error(JSON.stringify({ event: "failed", submission: submission_id, destination, error: String(error) }));
    }
  }

  /** Creates the record; its id. */
  async #send(destination: string, id: string, lead: Lead): Promise<string> {
    const { url, secret } = this.env.DESTINATIONS[destination]!;
    const response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
      headers: {
        "authorization": `Bearer ${this.env[secret as keyof Env]}`,
        "content-type": "application/json",
        "idempotency-key": `${id}-${destination}`,
      },
      body: JSON.stringify(lead),
    });
    if (response.status === 429) this.#pause(destination, Number(response.headers.get("retry-after") ?? 60) * SECOND);
    const record = await response.json<{ id?: string }>();
    if (!response.ok || !record.id) throw new Error(`status ${response.status}`);
    return record.id;
  }

  #pauseEnd(destination: string): number {
    return this.#pausedUntil.get(destination) ?? 0;
  }

  #pause(destination: string, wait: number): void {
    const until = Date.now() + wait;
    this.#pausedUntil.set(destination, until);
    this.#sql.exec("INSERT OR REPLACE INTO pause VALUES (?, ?)", destination, until);
  }

  async #wakeAt(at: number): Promise<void> {
    const alarm = await this.#storage.getAlarm();
    if (alarm === null || alarm > at) await this.#storage.setAlarm(at);
  }
}
