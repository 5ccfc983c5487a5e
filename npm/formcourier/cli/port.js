// Whether a port of this machine is in use.

import { createServer } from "node:net";

export const isTaken = (port) =>
  new Promise((done) => {
    const server = createServer()
      .once("error", () => done(true))
      .listen(Number(port), "127.0.0.1", () => server.close(() => done(false)));
  });
