// Finds a Chromium on this machine and starts it. No browser is downloaded.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "microsoft-edge"];
const APPS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
];

export function findChromium() {
  if (process.env.CHROMIUM_BIN) return process.env.CHROMIUM_BIN;
  const folders = (process.env.PATH ?? "").split(delimiter).concat("/usr/bin", "/snap/bin");
  const candidates = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).concat(APPS);
  return candidates.find((path) => existsSync(path));
}

export function launch() {
  const executablePath = findChromium();
  if (!executablePath) throw new Error("no Chromium: install one (Debian: apt-get install chromium), or set CHROMIUM_BIN");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

// `node chromium.mjs` prints its path, or fails.
if (process.argv[1] === new URL(import.meta.url).pathname) {
  const found = findChromium();
  if (found) console.log(found);
  process.exitCode = found ? 0 : 1;
}
