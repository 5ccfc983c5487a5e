#!/usr/bin/env node
// `npm create formcourier@latest my-forms`: three questions, four files. A template is an example of the repository, one
// per CRM and kind of record; `make package` puts them into templates/.

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";

const USAGE = `npm create formcourier@latest [FOLDER] -- [--form NAME] [--crm CRM] [--website ADDRESS] [--yes]

Makes a folder (my-forms) with a form and its CRM. Asks for what is not given; --yes takes the defaults.
`;

const own = (name) => new URL(name, import.meta.url);
const { version } = JSON.parse(readFileSync(own("package.json"), "utf8"));
const templates = readdirSync(own("templates/")).sort().map((file) => file.replace(".toml", ""));

class Mistake extends Error {}

// Each question: what it is, its default, and what becomes of an answer.
const QUESTIONS = {
  form: { text: "Name of the form", fallback: "contact", read: formName },
  crm: { text: "Which CRM", fallback: "salesmap", read: crmName },
  website: { text: "Address of your website (empty: any may post)", fallback: "", read: origin },
};

function formName(answer) {
  const name = answer.toLowerCase().replace(/[\s_]+/g, "-");
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) throw new Mistake("a form's name has letters, digits and hyphens: contact-us");
  return name;
}

function crmName(answer) {
  const name = answer.toLowerCase();
  if (!templates.includes(name)) throw new Mistake(`the CRMs are ${templates.join(", ")}`);
  return name;
}

function origin(answer) {
  if (answer === "") return "";
  const url = URL.parse(answer.includes("://") ? answer : `https://${answer}`);
  if (!/^https?:$/.test(url?.protocol)) throw new Mistake("a website's address is like https://www.example.com");
  return url.origin;
}

async function ask(values) {
  const given = (name) => values[name] !== undefined || values.yes;
  const answers = {};
  const isOpen = Object.keys(QUESTIONS).some((name) => !given(name));
  if (isOpen && !process.stdin.isTTY) throw new Mistake("nobody can be asked here: give --form, --crm and --website, or --yes");
  const terminal = isOpen && createInterface({ input: process.stdin, output: process.stdout });
  if (terminal) terminal.on("SIGINT", () => process.exit(130));
  for (const [name, { text, fallback, read }] of Object.entries(QUESTIONS)) {
    if (given(name)) answers[name] = read(values[name] ?? fallback);
    else if (name === "crm") for (const crm of templates) console.log(`  ${crm.padEnd(20)}${about(crm)}`);
    while (answers[name] === undefined) {
      try {
        answers[name] = read((await terminal.question(`${text}${fallback && ` [${fallback}]`}: `)).trim() || fallback);
      } catch (error) {
        if (!(error instanceof Mistake)) throw error;
        console.log(`  ${error.message}`);
      }
    }
  }
  if (terminal) terminal.close();
  return answers;
}

const template = (crm) => readFileSync(own(`templates/${crm}.toml`), "utf8");
const about = (crm) => template(crm).split("\n", 1)[0].replace(/^# /, "");

// The four files, by name.
function files(project, { form, crm, website }) {
  const config = template(crm)
    .replace(/^#.*\n/, "# Your forms. `npx formcourier check` reports every error with its line. Secrets never go into this file.\n")
    .replace(/^name = .*/m, `name = "${project}"`)
    .replace(/\[vars\.FORM_.*\]/, `[vars.FORM_${form.toUpperCase().replaceAll("-", "_")}]`)
    .replace(/^destinations = .*\n/m, (line) => (website ? `${line}allowed_origins = ["${website}"]\n` : line));
  const manifest = { name: project, private: true, dependencies: { formcourier: `^${version}` } };
  return {
    "wrangler.toml": config,
    "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
    ".gitignore": "node_modules/\n.wrangler/\n.dev.vars\n",
    "README.md": readme(project, form, crm),
  };
}

const readme = (project, form, crm) => `# ${project}

The form \`${form}\` becomes records in your CRM (${crm}), by [formcourier](https://www.npmjs.com/package/formcourier) in your own
Cloudflare account. Everything is set in \`wrangler.toml\`.

\`\`\`sh
npm install
npx formcourier dev       # the Worker and a fake CRM on this machine
npx formcourier test      # from another terminal: a test lead, followed to its record
npx formcourier check     # every error in wrangler.toml, and the secrets to set
npx formcourier deploy    # asks for the secrets and deploys to Cloudflare
npm update                # a new version of formcourier
\`\`\`

The form in your page, while \`dev\` runs. After the deploy, only the address changes:

\`\`\`html
<form method="post" action="http://localhost:8787/f/${form}" accept-charset="utf-8">
  <label>Name <input name="name" autocomplete="name"></label>
  <label>Email <input name="email" type="email" autocomplete="email" required></label>
  <label>Message <textarea name="message"></textarea></label>
  <button>Send</button>
</form>
<script src="http://localhost:8787/formcourier.js" defer></script>
\`\`\`

The script is optional: it shows errors at their fields and keeps drafts.
`;

async function main() {
  const text = { type: "string" };
  const flag = { type: "boolean" };
  const options = { form: text, crm: text, website: text, yes: flag, help: flag };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) return process.stdout.write(`${USAGE}The CRMs: ${templates.join(", ")}\n`);
  const folder = resolve(positionals[0] ?? "my-forms");
  if (existsSync(folder) && readdirSync(folder).length > 0) throw new Mistake(`the folder ${folder} is not empty`);
  const project = basename(folder).toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "my-forms";
  const written = files(project, await ask(values));
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(written)) writeFileSync(join(folder, name), content);
  console.log(`\n${Object.keys(written).join(", ")} are in ${folder}. Now run:

  cd ${positionals[0] ?? "my-forms"} && npm install
  npx formcourier dev
`);
}

try {
  const { node } = process.versions;
  if (Number(node.split(".")[0]) < 22) throw new Mistake(`formcourier needs Node 22 or later; this is Node ${node}: https://nodejs.org`);
  await main();
} catch (error) {
  if (!(error instanceof Mistake) && !error.code?.startsWith("ERR_PARSE_ARGS")) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 1;
}
