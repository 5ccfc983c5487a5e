#!/usr/bin/env node
// Only checks the version of Node, in words that an old one understands.
if (Number(process.versions.node.split(".")[0]) < 22) {
  console.error("formcourier needs Node 22 or later; this is Node " + process.versions.node + ": https://nodejs.org");
  process.exit(1);
}
import("../cli/main.js").then(function (cli) {
  return cli.main(process.argv.slice(2));
});
