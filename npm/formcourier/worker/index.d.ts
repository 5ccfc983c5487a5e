/** The Worker. `main` in wrangler.toml points at it; a Worker of your own may wrap it. */
declare const worker: {
  fetch(request: Request, env: unknown, context: unknown): Promise<Response>;
  scheduled(event: unknown, env: unknown, context: unknown): Promise<void>;
};
export default worker;

/** The Durable Object that stores submissions and delivers them: the class of the binding `OUTBOX`. */
export declare const Outbox: new (state: any, env: any) => any;
