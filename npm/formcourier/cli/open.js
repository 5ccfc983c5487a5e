// `open`: the Worker's page in the browser.

import { spawn } from "node:child_process";

const OPENERS = { darwin: ["open"], win32: ["rundll32", "url.dll,FileProtocolHandler"] };

export function run({ url = "http://localhost:8787" }) {
  const page = new URL("/", url).href;
  console.log(page);
  const [command, ...args] = OPENERS[process.platform] ?? ["xdg-open"];
  // Without a browser, the printed address is enough.
  spawn(command, [...args, page], { stdio: "ignore", detached: true }).on("error", () => {}).unref();
  return 0;
}
