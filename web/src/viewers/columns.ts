// What a column of a sheet holds: numbers or words, how they are distributed, and how rows are
// ordered by it. Knows no drawing.
import type { Sheet } from "./csv";
import type { Real } from "./real";

export interface Column {
  name: string;
  numbers: Float64Array | null; // where all that is written in it are numbers; NaN: nothing
  width: number; // characters
}

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const BINS = 24;
const VALUES = 8;

export function columnsOf(sheet: Sheet): Column[] {
  return sheet.names.map((name, at) => ({ name, numbers: numbersIn(sheet.rows, at), width: widthOf(sheet, at) }));
}

function numbersIn(rows: string[][], at: number): Float64Array | null {
  const found = new Float64Array(rows.length);
  let some = false;
  for (let n = 0; n < rows.length; n++) {
    const cell = rows[n]![at]!;
    if (cell === "") found[n] = NaN;
    else if (NUMBER.test(cell) && !/^[-+]?0\d/.test(cell)) [found[n], some] = [Number(cell), true];
    else return null; // 007 is a word
  }
  return some ? found : null;
}

function widthOf(sheet: Sheet, at: number): number {
  let most = sheet.names[at]!.length + 2;
  for (const row of sheet.rows.slice(0, 200)) most = Math.max(most, row[at]!.length);
  return Math.min(40, Math.max(8, most));
}

/** The order of rows by a column; what is empty comes last. */
export function orderBy(sheet: Sheet, columns: Column[], at: number, down: boolean): Uint32Array {
  const order = Uint32Array.from(sheet.rows, (_, n) => n);
  const sign = down ? -1 : 1;
  const { numbers } = columns[at]!;
  if (numbers) {
    return order.sort((a, b) => {
      const [x, y] = [numbers[a]!, numbers[b]!];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
      return sign * (x - y) || a - b;
    });
  }
  const words = new Intl.Collator(undefined, { numeric: true });
  return order.sort((a, b) => {
    const [x, y] = [sheet.rows[a]![at]!, sheet.rows[b]![at]!];
    if (!x || !y) return Number(!x) - Number(!y) || a - b;
    return sign * words.compare(x, y) || a - b;
  });
}

/** Shares of what was made, and of the real data where they are known, over the same bins. */
export interface Spread {
  labels: string[];
  made: number[];
  real: number[] | null;
  told: string; // in words
}

export function spreadOf(sheet: Sheet, column: Column, at: number, real?: Real): Spread {
  return column.numbers ? numeric(column.numbers, real) : worded(sheet, at, real);
}

function numeric(numbers: Float64Array, real?: Real): Spread {
  let [low, high, count, sum] = [Infinity, -Infinity, 0, 0];
  let whole = true;
  for (const x of numbers) {
    if (!Number.isFinite(x)) continue;
    [low, high, count, sum] = [Math.min(low, x), Math.max(high, x), count + 1, sum + x];
    whole &&= Number.isInteger(x);
  }
  const known = real?.edges && real.shares && real.edges.length === real.shares.length + 1 ? real.edges : null;
  const edges = known ?? edgesOf(low, high, whole);
  const made = new Array<number>(edges.length - 1).fill(0);
  const width = (edges.at(-1)! - edges[0]!) / made.length || 1;
  for (const x of numbers) {
    if (Number.isFinite(x)) made[Math.min(made.length - 1, Math.max(0, Math.floor((x - edges[0]!) / width)))]! += 1 / count;
  }
  const labels = made.map((_, n) => short(edges[n]!));
  return { labels, made, real: known ? real!.shares! : null, told: `${short(low)} to ${short(high)}, mean ${short(sum / count)}` };
}

/** Equal parts; whole numbers wide where all are whole, so that no part is empty by its width alone. */
function edgesOf(low: number, high: number, whole: boolean): number[] {
  const width = whole ? Math.ceil((high - low + 1) / BINS) : (high - low) / BINS || 1;
  const parts = whole ? Math.ceil((high - low + 1) / width) : BINS;
  return Array.from({ length: parts + 1 }, (_, n) => low + n * width);
}

function worded(sheet: Sheet, at: number, real?: Real): Spread {
  const counts = new Map<string, number>();
  for (const row of sheet.rows) counts.set(row[at]!, (counts.get(row[at]!) ?? 0) + 1);
  const known = new Map((real?.values ?? []).map((value, n) => [value, real?.shares?.[n] ?? 0]));
  const order = [...new Set([...known.keys(), ...counts.keys()])];
  const share = (value: string) => (counts.get(value) ?? 0) / (sheet.rows.length || 1);
  order.sort((a, b) => Math.max(share(b), known.get(b) ?? 0) - Math.max(share(a), known.get(a) ?? 0));
  const labels = order.slice(0, VALUES);
  const told = `${counts.size.toLocaleString()} ${counts.size === 1 ? "value" : "values"}: ${labels.slice(0, 3).map((v) => `${v || "(empty)"} ${Math.round(100 * share(v))} %`).join(", ")}`;
  return { labels, made: labels.map(share), real: known.size && real?.shares ? labels.map((v) => known.get(v) ?? 0) : null, told };
}

export const short = (x: number) => (Number.isFinite(x) ? Number(x.toPrecision(4)).toLocaleString(undefined, { maximumFractionDigits: 6 }) : "–");
