// The operator API as the console uses it. docs/http-api.md describes it.

export type State = "pending" | "delivered" | "rejected" | "exhausted" | "quarantined";
export const STATES: State[] = ["pending", "delivered", "rejected", "exhausted", "quarantined"];

export type Counts = Record<State | "received" | "erased" | "purged", number>;

export interface Pause {
  kind: string;
  detail: string;
  since: string;
  until: string | null;
  next_check_at: string | null;
  needs_person: boolean;
}

export interface Destination {
  destination: string;
  connector: string | null;
  record: string | null;
  guarantee: string | null;
  counts: Counts;
  pause: Pause | null;
}

export interface Mistake {
  var: string;
  key: string | null;
  message: string;
}

export interface Form {
  form: string;
  endpoint: string;
  ready: boolean;
  mistakes: Mistake[];
  missing_secrets: string[];
  website: string | null;
  last_received_at: string | null;
  oldest_pending_at: string | null;
  counts: Counts;
  fields: { name: string; goes_to: string[] }[];
  destinations: Destination[];
}

export interface Forms {
  forms: Form[];
  mistakes: Mistake[];
  unreachable: string[];
}

export interface Attempt {
  at: string;
  ms: number;
  step: string;
  status?: number;
  outcome: string;
  detail?: string;
}

export interface Delivery {
  destination: string;
  state: State;
  record: { id: string; url?: string; note?: string; message_missing?: boolean } | null;
  failure: { kind: string; detail: string } | null;
  in_doubt?: string;
  attempts: number;
  next_at: string | null;
  timeline: Attempt[];
}

export interface Submission {
  id: string;
  form: string;
  received_at: string;
  fields: [string, string][];
  page?: string;
  country?: string;
  locale?: string;
  repeats?: number;
  reasons?: string[];
  deliveries: Delivery[];
}

export interface Detail extends Submission {
  lead: unknown;
  audit: { at: string; actor: string; action: string }[];
}

export interface Page {
  submissions: Submission[];
  next: string | null;
  unreachable?: string[];
}

export interface Alert {
  id: string;
  form: string;
  condition: string;
  destination?: string;
  count: number;
  since?: string;
  text: string;
}

export interface Day {
  day: string;
  received: number;
  delivered: number;
  quarantined: number;
  rejected: number;
  exhausted: number;
  /** By code. */
  refused?: Record<string, number>;
}

export interface Stats {
  days: Day[];
  median_ms: number | null;
}

export interface Preview {
  lead: unknown;
  reasons: string[];
  next: string;
  destinations: {
    destination: string;
    failure?: { kind: string; detail: string };
    requests: { step: string; method: string; url: string; headers: Record<string, string>; body: unknown }[];
  }[];
}

export interface Session {
  actor: string;
  by: "session" | "access";
}

/** What went wrong, in the API's own words. `status` is 0 when there was no response. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors: { field: string; message: string }[] = [],
  ) {
    super(message);
  }
}

/** Called when the session has ended. */
export const session = { ended: () => {} };

interface Options {
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

export async function call<T>(method: string, path: string, body?: unknown, { signal, headers }: Options = {}): Promise<T> {
  const plain = body === undefined || body instanceof URLSearchParams;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal,
      headers: { Accept: "application/json", ...(plain ? {} : { "Content-Type": "application/json" }), ...headers },
      body: plain ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "");
  }
  const reply = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (response.ok) return reply as T;
  if (response.status === 401 && path.startsWith("/api/")) session.ended();
  // A form's refusal has its sentence in `message`, the API's in `error`.
  throw new ApiError(response.status, reply.message ?? reply.error ?? "", reply.errors);
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>("GET", path, undefined, { signal });
export const post = <T>(path: string, body?: unknown) => call<T>("POST", path, body);

/** The query of these parameters, without the empty ones. */
export function query(parameters: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value != null);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

export const submissionPath = ({ form, id }: { form: string; id: string }) =>
  `/api/forms/${encodeURIComponent(form)}/submissions/${encodeURIComponent(id)}`;
