// The chart of docs/performance.md: what matters most, as bars in units of the peer's.

const SHOWN = [
  ["CPU per accepted submission, urlencoded, 16 connections", "CPU per accepted submission"],
  ["CPU per delivered lead, urlencoded, 1 connection", "CPU per delivered lead"],
  ["first response after the start", "First response after the start"],
  ["upload, gzip", "Upload, gzip"],
];
const BARS = [["ours", "formcourier", 1], ["peer", "Hono and zod", 2], ["floor", "the floor", 3]];

const WIDTH = 720;
const LEFT = 240;
const BAR = 14;
const GROUP = BARS.length * (BAR + 2) + 16;

/** An SVG that reads on a light and on a dark page. */
export function chart(rows) {
  const groups = SHOWN.map(([figure, title]) => ({ title, row: rows.find((row) => row.figure === figure) }));
  const most = Math.max(...groups.flatMap(({ row }) => BARS.map(([key]) => row[key] / row.peer)));
  const scale = (WIDTH - LEFT - 150) / most;
  const height = groups.length * GROUP + 24;
  const bars = groups.flatMap(({ title, row }, group) => {
    const top = 30 + group * GROUP;
    const label = `<text x="${LEFT - 12}" y="${top + GROUP / 2 - 4}" text-anchor="end">${title}</text>`;
    return [
      label,
      ...BARS.map(([key, name, cell], bar) => {
        const y = top + bar * (BAR + 2);
        const width = Math.max((row[key] / row.peer) * scale, 1).toFixed(1);
        const after = LEFT + Number(width) + 6;
        return (
          `<rect class="${key}" x="${LEFT}" y="${y}" width="${width}" height="${BAR}" rx="2"/>` +
          `<text class="value" x="${after}" y="${y + 11}">${row.cells[cell]} ${name}</text>`
        );
      }),
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img"
  aria-label="formcourier beside a Worker of Hono and zod, and the floor of the platform; less is better">
<style>
text{font:14px system-ui,sans-serif;fill:#1f2328}.value{font-size:11px}
.ours{fill:#0b57d0}.peer{fill:#8c959f}.floor{fill:#c4cad1}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.ours{fill:#79a8ff}.peer{fill:#768390}.floor{fill:#4d5661}}
</style>
<text class="value" x="${LEFT}" y="16">less is better</text>
${bars.join("\n")}
</svg>
`;
}
