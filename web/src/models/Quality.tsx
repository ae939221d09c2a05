// How good a model is: each number between what something trivial reaches (floor) and what real data
// or the ideal does (ceiling). What training judged itself by stands apart: it has neither.
import { useId } from "preact/hooks";
import { figure, when } from "../look/numbers";
import { to } from "../shell/router";
import type { Card, Figure } from "./told";

export function Quality({ card }: { card: Card }) {
  const id = useId();
  const measured = card.quality[0];
  const judged = Object.entries(card.metrics ?? {});
  return (
    <section class="panel stack" aria-labelledby={id}>
      <div class="row between">
        <h2 id={id}>Quality</h2>
        {measured && <span class="faint small">measured {when(measured.created)}</span>}
      </div>
      {measured
        ? <Figures rows={measured.rows} />
        : <p>Nobody has measured this model with a floor and a ceiling yet. <a href={to("trust", ["reports", card.id])}>Measure it</a></p>}
      {measured && <Protocol told={measured.protocol} />}
      {judged.length > 0 && (
        <div class="stack models-judged">
          <h3>What its training judged it by</h3>
          <dl class="models-facts">
            {judged.map(([name, value]) => <div key={name}><dt>{name}</dt><dd class="number">{figure(value)}</dd></div>)}
          </dl>
          {card.protocol && <Protocol told={card.protocol} />}
        </div>
      )}
    </section>
  );
}

function Figures({ rows }: { rows: Figure[] }) {
  return (
    <table class="rows models-figures">
      <thead>
        <tr>
          <th scope="col">Measure</th>
          <th scope="col" class="number">Value</th>
          <th scope="col" class="number">Floor</th>
          <th scope="col" class="models-wide">Floor to ceiling</th>
          <th scope="col" class="number">Ceiling</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.metric}>
            <th scope="row">{row.metric}<small>{row.better === "higher" ? "higher" : "lower"} is better{row.note && `; ${row.note}`}</small></th>
            <td class="number"><strong>{figure(row.value)}</strong></td>
            <td class="number">{figure(row.floor)}</td>
            <td class="models-wide"><Between row={row} /></td>
            <td class="number">{figure(row.ceiling)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Where the value lies on the way from the floor to the ceiling; null where that is not defined. */
export function share(row: Figure): number | null {
  const { value, floor, ceiling } = row;
  if (value === null || floor === null || ceiling === null || floor === ceiling) return null;
  return (value - floor) / (ceiling - floor);
}

export function Between({ row }: { row: Figure }) {
  const at = share(row);
  if (at === null) return <span class="faint">–</span>;
  const x = 2 + 96 * Math.min(1, Math.max(0, at));
  const told = `${Math.round(100 * at)} % of the way from the floor to the ceiling`;
  return (
    <svg class="models-between" viewBox="0 0 100 12" preserveAspectRatio="none" role="img" aria-label={told}>
      <path d="M2 2v8M98 2v8M2 6h96" class="thread" />
      <rect x={2} y={4} width={x - 2} height={4} class="woven" />
      <rect x={x - 1} y={1} width={2} height={10} class="mark" />
    </svg>
  );
}

function Protocol({ told }: { told: Record<string, unknown> }) {
  const rows = Object.entries(told).filter(([, value]) => value !== null && typeof value !== "object");
  if (!rows.length) return null;
  return (
    <details class="small">
      <summary>How it was measured</summary>
      <dl class="models-facts">
        {rows.map(([name, value]) => (
          <div key={name}><dt>{name.replaceAll("_", " ")}</dt><dd>{typeof value === "number" ? <span class="number">{figure(value)}</span> : String(value)}</dd></div>
        ))}
      </dl>
    </details>
  );
}
