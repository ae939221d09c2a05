// A section of a report: figures between their floor and ceiling, facts, and what is missing.
import { useId } from "preact/hooks";
import { figure } from "../look/numbers";
import type { Row, Section } from "./told";

export function ReportSection({ section }: { section: Section }) {
  const id = useId();
  return (
    <section class="panel stack" aria-labelledby={id}>
      <div>
        <h3 id={id}>{section.title}</h3>
        {section.about && <p class="faint small">{section.about}</p>}
      </div>
      {section.rows.length > 0 && <Figures rows={section.rows} title={section.title} />}
      {section.facts.length > 0 && (
        <dl class="trust-facts">
          {section.facts.map((fact) => (
            <div key={fact.name}>
              <dt>{fact.name}</dt>
              <dd>{typeof fact.value === "number" ? <span class="number">{figure(fact.value)}</span> : String(fact.value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {section.missing.length > 0 && (
        <ul class="notice warn trust-missing">
          {section.missing.map((line) => <li key={line}>{line}</li>)}
        </ul>
      )}
    </section>
  );
}

const BETTER = { higher: "Higher is better.", lower: "Lower is better." };

function Figures({ rows, title }: { rows: Row[]; title: string }) {
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label={`${title}: figures`}>
      <table class="rows trust-figures">
        <thead>
          <tr>
            <th scope="col">Measure</th>
            <th scope="col" class="number">Value</th>
            <th scope="col" class="number">Floor</th>
            <th scope="col" class="number">Ceiling</th>
            <th scope="col">Floor to ceiling</th>
          </tr>
        </thead>
        {rows.map((row) => (
          <tbody key={row.metric}>
            <tr>
              <th scope="row">{row.name}{row.name !== row.metric && <code> {row.metric}</code>}</th>
              <td class="number"><strong>{figure(row.value)}</strong></td>
              <td class="number">{figure(row.floor)}</td>
              <td class="number">{figure(row.ceiling)}</td>
              <td><Scale place={row.place} /></td>
            </tr>
            <tr><td colSpan={5} class="trust-note"><span>{row.better && BETTER[row.better]} {row.note}</span></td></tr>
          </tbody>
        ))}
      </table>
    </div>
  );
}

/** A thread from floor to ceiling, woven as far as the value lies. */
function Scale({ place }: { place: number | null }) {
  if (place === null) return <span class="faint small">no scale</span>;
  const told = `${Math.round(100 * place)} % of the way from floor to ceiling`;
  return (
    <svg class="trust-scale" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={told}>
      <path class="thread" d="M0 4H100" />
      <path class="woven" d={`M0 0H${(100 * place).toFixed(1)}V8H0z`} />
    </svg>
  );
}
