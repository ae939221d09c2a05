// A table whose columns sort it, each row with a box to choose it. Knows rows, not what they are of.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export interface Column<T> {
  name: string;
  by: (row: T) => string | number;
  show: (row: T) => ComponentChildren;
  number?: boolean;
  /** Left out where there is little room. */
  wide?: boolean;
}

export interface SortedProps<T> {
  rows: T[];
  columns: Column<T>[];
  id: (row: T) => string;
  label: string;
  /** The column that it is sorted by at first. */
  first: string;
  none: string;
  chosen: string[];
  choose: (id: string, on: boolean) => void;
}

export function Sorted<T>({ rows, columns, id, label, first, none, chosen, choose }: SortedProps<T>) {
  const [by, setBy] = useState(first);
  const [down, setDown] = useState(false);
  const column = columns.find((one) => one.name === by) ?? columns[0]!;
  const sorted = rows.slice().sort((a, b) => {
    const [x, y] = [column.by(a), column.by(b)];
    const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
    return down ? -order : order;
  });
  function sort(name: string) {
    const numbers = columns.find((one) => one.name === name)?.number ?? false;
    setDown(name === by ? !down : numbers); // of numbers the largest first
    setBy(name);
  }
  return (
    <table class="rows models-table" aria-label={label}>
      <thead>
        <tr>
          <td><span class="visually-hidden">Chosen to compare</span></td>
          {columns.map((one) => (
            <th key={one.name} scope="col" class={shape(one)} aria-sort={one.name !== by ? undefined : down ? "descending" : "ascending"}>
              <button type="button" onClick={() => sort(one.name)}>
                {one.name}<span aria-hidden="true">{one.name !== by ? "" : down ? " ↓" : " ↑"}</span>
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {sorted.map((row) => (
          <tr key={id(row)}>
            <td>
              <input type="checkbox" aria-label={`Compare ${id(row)}`} checked={chosen.includes(id(row))}
                onChange={(e) => choose(id(row), e.currentTarget.checked)} />
            </td>
            {columns.map((one) => <td key={one.name} class={shape(one)}>{one.show(row)}</td>)}
          </tr>
        ))}
        {!rows.length && <tr><td colSpan={columns.length + 1} class="faint">{none}</td></tr>}
      </tbody>
    </table>
  );
}

function shape<T>(column: Column<T>): string {
  return [column.number ? "number" : "", column.wide ? "models-wide" : ""].filter(Boolean).join(" ");
}
