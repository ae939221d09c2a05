// Conditions on the rows of a table, built from the columns that the model knows.
import { useId } from "preact/hooks";
import { Button } from "../look/Button";
import type { ColumnAbout } from "./form";
import { askable, type Condition, OPS, opsOf, whereOf, WRITTEN } from "./where";

export interface WhereFieldProps {
  columns: ColumnAbout[];
  conditions: Condition[];
  wrong?: string | null;
  set: (conditions: Condition[]) => void;
}

export function WhereField({ columns, conditions, wrong, set }: WhereFieldProps) {
  const known = askable(columns);
  const found = whereOf(conditions, columns);
  const put = (at: number, some: Partial<Condition>) => set(conditions.map((one, n) => (n === at ? { ...one, ...some } : one)));
  const begin = ({ name, ...about }: ColumnAbout): Condition => ({ column: name, op: opsOf({ name, ...about })[0]!, value: String(about.choices?.[0] ?? "") });
  return (
    <fieldset class="field generate-where">
      <legend class="name">Rows where</legend>
      {conditions.map((one, at) => (
        <Row key={at} condition={one} columns={known} put={(some) => put(at, some)} begin={begin} drop={() => set(conditions.filter((_, n) => n !== at))} />
      ))}
      <div class="row">
        <Button act={() => set([...conditions, begin(known[0]!)])}>{conditions.length ? "And" : "Add a condition"}</Button>
        {conditions.length > 0 && "text" in found && <code class="faint fill">{found.text}</code>}
      </div>
      {wrong && <div class="wrong" role="alert">{wrong}</div>}
    </fieldset>
  );
}

interface RowProps {
  condition: Condition;
  columns: ColumnAbout[];
  put: (some: Partial<Condition>) => void;
  begin: (column: ColumnAbout) => Condition;
  drop: () => void;
}

function Row({ condition: { column, op, value }, columns, put, begin, drop }: RowProps) {
  const list = useId();
  if (op === WRITTEN) return <Written value={value} put={put} drop={drop} />;
  const about = columns.find((one) => one.name === column);
  const choices = about?.choices?.map(String) ?? [];
  const range = about?.low !== undefined ? `${about.low} to ${about.high}` : "";
  return (
    <div class="generate-condition">
      <select class="input" aria-label="Column" value={column} onChange={(e) => put(begin(columns.find((one) => one.name === e.currentTarget.value)!))}>
        {!about && <option value={column}>{column}</option>}
        {columns.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
      </select>
      <select class="input" aria-label="Comparison" value={op} onChange={(e) => put({ op: e.currentTarget.value })}>
        {(about ? opsOf(about) : [op]).map((one) => <option key={one} value={one}>{OPS[one] ?? one}</option>)}
      </select>
      {op.endsWith("null") ? <span /> : choices.length && op !== "in" && choices.length <= 200 ? (
        <select class="input" aria-label="Value" value={value} onChange={(e) => put({ value: e.currentTarget.value })}>
          {!choices.includes(value) && <option value={value}>{value}</option>}
          {choices.map((one) => <option key={one} value={one}>{one}</option>)}
        </select>
      ) : (
        <>
          <input class="input" aria-label="Value" value={value} placeholder={op === "in" ? "a, b, c" : range} list={choices.length ? list : undefined}
            onInput={(e) => put({ value: e.currentTarget.value })} />
          {choices.length > 0 && <datalist id={list}>{choices.slice(0, 500).map((one) => <option key={one} value={one} />)}</datalist>}
        </>
      )}
      <Button kind="quiet" square aria-label={`Take away the condition on ${column}`} act={drop}>✕</Button>
    </div>
  );
}

/** What the fields cannot say, as it was written. */
function Written({ value, put, drop }: Pick<RowProps, "put" | "drop"> & { value: string }) {
  return (
    <div class="generate-written">
      <input class="input number" aria-label="Condition as it was written" value={value} onInput={(e) => put({ value: e.currentTarget.value })} />
      <Button kind="quiet" square aria-label="Take away the condition" act={drop}>✕</Button>
    </div>
  );
}
