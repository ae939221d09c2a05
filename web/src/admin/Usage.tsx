// What was used, by day, by account and by model: small bars, and the table that they are drawn from.
import { useState } from "preact/hooks";
import type { Model } from "../api/models";
import { useAsked } from "../api/asked";
import { Field } from "../look/Field";
import { count } from "../look/numbers";
import { Weave } from "../look/Weave";
import { Asking } from "./Asking";
import { Bars } from "./Bars";
import { DAILY, type Summary, type Unit, type Used, useNames } from "./told";

const SPANS = [7, 30, 90];

export function Usage() {
  const [days, setDays] = useState(30);
  const [unit, setUnit] = useState<Unit>("requests");
  const usage = useAsked<Summary>(`/v1/admin/usage/summary?days=${days}`);
  const models = useAsked<{ data: Model[] }>("/v1/models");
  const weaves = new Map(models.data?.data.map((one) => [one.id, one.weights]));
  const names = useNames();
  return (
    <div class="stack">
      <div class="row admin-choices">
        <Field name="Count">
          {(tied) => (
            <select {...tied} class="input" value={unit} onChange={(e) => setUnit(e.currentTarget.value as Unit)}>
              {DAILY.map((one) => <option key={one}>{one}</option>)}
            </select>
          )}
        </Field>
        <Field name="Days">
          {(tied) => (
            <select {...tied} class="input" value={days} onChange={(e) => setDays(Number(e.currentTarget.value))}>
              {SPANS.map((one) => <option key={one} value={one}>{one}</option>)}
            </select>
          )}
        </Field>
      </div>
      <Asking asked={usage}>
        {(told) => (
          <>
            <Part title="By day" about="Requests that models worked for; days are counted in UTC." unit={unit} rows={byDay(told)} name={(day) => day} />
            <Part title="By key" about="Where a key is a user's, it counts for both. Seconds are those of computing." unit={unit} days={told.days}
              rows={summed(told.owners, (row) => row.owner)} each={told.owners} of={(row) => row.owner} name={names} />
            <Part title="By model" about="Seconds run until the answer is whole, loading and waiting included." unit={unit} days={told.days}
              rows={summed(told.models, (row) => row.model)} each={told.models} of={(row) => row.model} name={(model) => model} weave={(model) => weaves.get(model) || model} />
          </>
        )}
      </Asking>
    </div>
  );
}

interface Sum extends Omit<Used, "day"> {
  id: string;
}

interface PartProps<T extends Used> {
  title: string;
  about: string;
  unit: Unit;
  rows: Sum[];
  name: (id: string) => string;
  days?: string[];
  each?: T[];
  of?: (row: T) => string;
  weave?: (id: string) => string;
}

function Part<T extends Used>({ title, about, unit, rows, name, days, each, of, weave }: PartProps<T>) {
  const drawn = days ? null : rows.map((row) => ({ name: row.id, value: row[unit] }));
  const used = days ? rows : rows.filter((row) => row.requests > 0).reverse();
  return (
    <section class="panel stack" aria-label={title}>
      <div><h2>{title}</h2><p class="faint small">{about}</p></div>
      {used.length === 0 && <p class="faint">Nothing was used.</p>}
      {drawn && used.length > 0 && <Bars bars={drawn} label={`${unit} by day`} />}
      {used.length > 0 && (
        <div class="scroll-x admin-used" tabIndex={0} role="group" aria-label={`${title}: table`}>
          <table class="rows admin-table">
            <thead><tr><th>{title.slice(3)}</th>{DAILY.map((one) => <th key={one} class="number">{one}</th>)}{days && <th>{unit}</th>}</tr></thead>
            <tbody>
              {used.map((row) => (
                <tr key={row.id}>
                  <th scope="row"><span class="row">{weave && <Weave of={weave(row.id)} size={16} />}{name(row.id)}</span></th>
                  {DAILY.map((one) => <td key={one} class="number">{count(row[one])}</td>)}
                  {days && each && of && (
                    <td><Bars small label={`${unit} of ${name(row.id)} by day`}
                      bars={daily(days, each.filter((one) => of(one) === row.id), unit)} /></td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function summed<T extends Used>(rows: T[], of: (row: T) => string): Sum[] {
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const sum = sums.get(of(row)) ?? { id: of(row), requests: 0, tokens: 0, images: 0, seconds: 0 };
    for (const unit of DAILY) sum[unit] += row[unit];
    sums.set(sum.id, sum);
  }
  return [...sums.values()].sort((a, b) => b.requests - a.requests);
}

/** Every day, used or not, from what models did: there each request counts once. */
function byDay(told: Summary): Sum[] {
  const sums = new Map(summed(told.models, (row) => row.day).map((sum) => [sum.id, sum]));
  return told.days.map((day) => sums.get(day) ?? { id: day, requests: 0, tokens: 0, images: 0, seconds: 0 });
}

function daily(days: string[], rows: Used[], unit: Unit) {
  const found = new Map(rows.map((row) => [row.day, row[unit]]));
  return days.map((day) => ({ name: day, value: found.get(day) ?? 0 }));
}
