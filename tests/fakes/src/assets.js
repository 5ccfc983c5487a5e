// The platform's asset router, as much of it as this project relies on: an existing file is served before the Worker sees the
// request, to GET and HEAD only, with the headers of `_headers`. Everything else goes to the Worker. Under the real router,
// tests/it/wrangler.rs posts a form and loads the script.

const TYPES = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

// The file of a path, the platform's `auto-trailing-slash`: /console/ is console/index.html, and /console leads there.
async function find(assets, path) {
  const name = path.endsWith("/") ? `${path}index.html` : path;
  const type = TYPES[name.split(".").at(-1)];
  const file = type && (await assets.fetch(`http://assets${name}`));
  if (file?.ok) return { file, type };
  const index = !type && (await assets.fetch(`http://assets${path}/index.html`));
  return index?.ok ? { next: `${path}/` } : undefined;
}

// The headers of every rule of `_headers` that matches the path; `*` matches anything.
async function headers(assets, path) {
  const found = [["Cache-Control", "public, max-age=0, must-revalidate"]];
  let matches = false;
  for (const line of (await (await assets.fetch("http://assets/_headers")).text()).split("\n")) {
    if (line.startsWith("/")) {
      const [start, ...rest] = line.trim().split("*");
      matches = rest.length ? path.startsWith(start) : path === start;
    } else if (matches && line.trim()) {
      const [name, ...value] = line.trim().split(":");
      found.push([name, value.join(":").trim()]);
    }
  }
  return new Map(found);
}

export default {
  async fetch(request, { MAIN, ASSETS }) {
    const { pathname } = new URL(request.url);
    const { file, type, next } = (await find(ASSETS, pathname)) ?? {};
    if (next) return new Response(null, { status: 307, headers: { Location: next } });
    if (!file) return MAIN.fetch(request);
    if (!["GET", "HEAD"].includes(request.method)) return new Response("Method Not Allowed", { status: 405 });
    const body = request.method === "HEAD" ? null : file.body;
    return new Response(body, { headers: [...(await headers(ASSETS, pathname)), ["Content-Type", type]] });
  },
};
