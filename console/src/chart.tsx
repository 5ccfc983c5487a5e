// Leads per day as stacked bars, in SVG, so that they take the colors of the page and scale with it. The table beneath holds
// the same numbers for whoever cannot see them.

import type { Day } from "./api";
import { dayName, number } from "./format";
import { words } from "./words";

const SERIES: [name: string, text: string, of: (day: Day) => number][] = [
  ["delivered", words.states.delivered, (day) => day.delivered],
  ["quarantined", words.states.quarantined, (day) => day.quarantined],
  ["failed", words.notDelivered, (day) => day.rejected + day.exhausted],
];

const WIDTH = 720;
const HEIGHT = 160;

/** 1, 2 or 5 times a power of ten, at least `most`. */
function top(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most) ?? most;
}

export function Chart({ days }: { days: Day[] }) {
  const most = top(Math.max(...days.map((day) => SERIES.reduce((sum, [, , of]) => sum + of(day), 0)), 4));
  const step = WIDTH / Math.max(days.length, 1);
  const first = days[0];
  const last = days.at(-1);
  const refused = days.some((day) => Object.keys(day.refused ?? {}).length);
  return (
    <>
      <ul class="legend">
        {SERIES.map(([name, text]) => (
          <li key={name}>
            <i class={name} /> {text}
          </li>
        ))}
      </ul>
      <div class="plot">
        <p class="axis hint" aria-hidden="true">
          <span>{number(most)}</span>
          <span>0</span>
        </p>
        <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT + 1}`} preserveAspectRatio="none" role="img" aria-label={words.perDay}>
          {[0, 0.5, 1].map((part) => (
            <line key={part} x1="0" x2={WIDTH} y1={HEIGHT * part + 0.5} y2={HEIGHT * part + 0.5} />
          ))}
          {days.map((day, place) => {
            let y = HEIGHT;
            return SERIES.map(([name, text, of]) => {
              const height = (of(day) / most) * HEIGHT;
              y -= height;
              return (
                height > 0 && (
                  <rect key={name + place} class={name} x={place * step + step * 0.15} y={y} width={step * 0.7} height={height}>
                    <title>{`${dayName(day.day)} · ${text}: ${number(of(day))}`}</title>
                  </rect>
                )
              );
            });
          })}
        </svg>
        <p class="axis hint" aria-hidden="true">
          <span>{first && dayName(first.day)}</span>
          <span>{last && dayName(last.day)}</span>
        </p>
      </div>
      <details>
        <summary>{words.asTable}</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={words.perDay}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.day}</th>
                <th scope="col">{words.received}</th>
                {SERIES.map(([name, text]) => (
                  <th key={name} scope="col">
                    {text}
                  </th>
                ))}
                {refused && <th scope="col">{words.refused}</th>}
              </tr>
            </thead>
            <tbody>
              {[...days].reverse().map((day) => (
                <tr key={day.day}>
                  <th scope="row">{dayName(day.day)}</th>
                  <td>{number(day.received)}</td>
                  {SERIES.map(([name, , of]) => (
                    <td key={name}>{number(of(day))}</td>
                  ))}
                  {refused && <td>{number(Object.values(day.refused ?? {}).reduce((sum, n) => sum + n, 0))}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}
