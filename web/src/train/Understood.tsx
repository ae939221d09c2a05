// What was understood of a data set: its medium and why, counts, samples, lengths, what was left out,
// warnings and licences, as the server found them.
import { useState } from "preact/hooks";
import { part, post } from "../api/client";
import { Button } from "../look/Button";
import { Field } from "../look/Field";
import { bytes, count, figure } from "../look/numbers";
import { Stored } from "./Stored";
import type { Dataset, Understood as Found } from "./told";

export function Understood({ of, found, again }: { of: Dataset; found: Found; again: () => void }) {
  return (
    <section class="stack" aria-label="What was understood">
      <dl class="train-facts">
        <Fact name="Read as" value={found.medium} />
        <Fact name="Items" value={count(found.items)} />
        <Fact name="Files" value={count(found.files)} />
        <Fact name="Size" value={bytes(found.bytes)} />
        <Fact name="Exact repeats" value={count(found.duplicates)} />
        {found.near_duplicates !== undefined && <Fact name="Near repeats" value={count(found.near_duplicates)} />}
        <Fact name="Left out" value={count(found.left_out)} />
        <Fact name="Licence" value={found.licence} />
      </dl>
      <p class="faint small">{found.why}. <Other of={of} found={found} again={again} /></p>
      {found.warnings.length > 0 && (
        <ul class="train-warnings" aria-label="Warnings">
          {found.warnings.map((one) => <li key={one} class="notice warn">{one}</li>)}
        </ul>
      )}
      <Samples of={of} found={found} />
      <Lengths found={found} />
      <Summary found={found} />
      {found.skipped.length > 0 && (
        <details>
          <summary>What was left out, and why</summary>
          <ul class="small">{found.skipped.map((one) => <li key={one.name}><span class="number">{one.name}</span>: {one.why}</li>)}</ul>
        </details>
      )}
      {of.names.length > 0 && (
        <details>
          <summary>Names of the first files</summary>
          <ul class="small">{of.names.map((name) => <li key={name}><bdi class="number">{name.slice(0, 300)}</bdi></li>)}</ul>
        </details>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return <div><dt>{name}</dt><dd class="number">{value}</dd></div>;
}

/** The guess may be wrong: look at it as something else. */
function Other({ of, found, again }: { of: Dataset; found: Found; again: () => void }) {
  const [open, setOpen] = useState(false);
  const [medium, setMedium] = useState(found.medium);
  if (!open) return <button type="button" class="train-link" onClick={() => setOpen(true)}>Read it as something else</button>;
  async function look() {
    await post(`/v1/datasets/${part(of.id)}/medium`, { medium });
    again();
  }
  return (
    <span class="row">
      <Field name="Read it as">
        {(tied) => (
          <select {...tied} class="input" value={medium} onChange={(e) => setMedium(e.currentTarget.value)}>
            {found.others.map((one) => <option key={one}>{one}</option>)}
          </select>
        )}
      </Field>
      <Button act={look} disabled={medium === found.medium}>Look again</Button>
    </span>
  );
}

function Samples({ of, found }: { of: Dataset; found: Found }) {
  return (
    <div class={`train-samples ${found.samples.length === 1 ? "one" : ""}`} role="list" aria-label="Samples">
      {found.samples.map((one) => (
        <figure key={one.name} role="listitem">
          <Stored path={`/v1/datasets/${part(of.id)}/samples/${part(one.name)}`} media={one.media} name={one.name} />
          {one.caption && <figcaption class="small faint">{one.caption}</figcaption>}
        </figure>
      ))}
    </div>
  );
}

/** How long the texts are, in tokens of the small preset. */
function Lengths({ found }: { found: Found }) {
  const tokens = found.tokens;
  if (!tokens) return null;
  const most = Math.max(...tokens.histogram.map((bin) => bin.items));
  return (
    <div class="stack">
      <h3>Lengths in tokens</h3>
      <div class="train-bars">
        {tokens.histogram.map((bin) => (
          <div key={bin.up_to} class={bin.up_to > 2 * tokens.context ? "over" : ""}>
            <span class="number small">≤ {count(bin.up_to)}</span>
            <span class="bar" style={{ width: `${(100 * bin.items) / most}%` }} />
            <span class="number small">{count(bin.items)}</span>
          </div>
        ))}
      </div>
      <p class="faint small"><span class="number">{count(tokens.tokens)}</span> tokens in a vocabulary of <span class="number">{count(tokens.vocabulary)}</span>; the small preset sees <span class="number">{count(tokens.context)}</span> at once. {Object.entries(tokens.lengths).map(([name, value]) => `${name} ${figure(value)}`).join(", ")}.</p>
    </div>
  );
}

function Summary({ found }: { found: Found }) {
  return (
    <>
      {Object.entries(found.summary).map(([name, value]) =>
        Array.isArray(value) && value.length > 0 ? <Columns key={name} rows={value as Record<string, unknown>[]} /> : null)}
      <p class="faint small">
        {Object.entries(found.summary).filter(([, value]) => !Array.isArray(value)).map(([name, value]) => `${name}: ${said(value)}`).join(" · ")}
      </p>
    </>
  );
}

function said(value: unknown): string {
  if (typeof value === "number") return figure(value);
  if (value && typeof value === "object") return Object.entries(value).map(([k, n]) => `${k} (${said(n)})`).join(", ");
  return String(value);
}

function Columns({ rows }: { rows: Record<string, unknown>[] }) {
  const names = Object.keys(rows[0] ?? {});
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label="Columns">
      <table class="rows">
        <thead><tr>{names.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
        <tbody>{rows.map((row, n) => <tr key={n}>{names.map((name) => <td key={name} class={typeof row[name] === "number" ? "number" : ""}>{row[name] === null ? "" : said(row[name])}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}
