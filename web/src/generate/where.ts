// Conditions on a table's columns, from fields to the sentence that the server reads
// (age > 60 and city = 'Rome').
import type { ColumnAbout } from "./form";

export interface Condition {
  column: string;
  op: string;
  value: string;
}

export const OPS: Record<string, string> = { "=": "is", "!=": "is not", "<": "below", "<=": "at most", ">": "above", ">=": "at least", in: "is one of", null: "is empty", "not null": "is not empty" };
const OF_NUMBERS = [">=", "<=", ">", "<", "=", "!="];
const OF_WORDS = ["=", "!=", "in"];
const BARE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const WORDS = new Set(["and", "or", "not", "in", "between", "is", "null", "true", "false"]);

/** Columns of which anything can be asked. */
export const askable = (columns: ColumnAbout[]) => columns.filter((column) => column.choices?.length || column.low !== undefined);

export function opsOf(column: ColumnAbout): string[] {
  const some = column.choices?.length ? OF_WORDS : OF_NUMBERS;
  return column.missing ? [...some, "null", "not null"] : some;
}

export function whereOf(conditions: Condition[], columns: ColumnAbout[]): { text: string } | { wrong: string } {
  const parts: string[] = [];
  for (const { column, op, value } of conditions) {
    const about = columns.find((one) => one.name === column);
    if (!about) return { wrong: `There is no column ${column}.` };
    if (op === "null" || op === "not null") parts.push(`${named(column)} is ${op}`);
    else if (!value.trim()) return { wrong: `${column} ${OPS[op] ?? op} … what? Give a value, or take the condition away.` };
    else if (op === "in") parts.push(`${named(column)} in (${value.split(",").map((one) => written(one.trim(), about)).join(", ")})`);
    else parts.push(`${named(column)} ${op} ${written(value.trim(), about)}`);
  }
  return { text: parts.join(" and ") };
}

const named = (name: string) => (BARE.test(name) && !WORDS.has(name.toLowerCase()) ? name : `"${name.replaceAll('"', '""')}"`);

/** A number as it is, where the column has numbers; whatever else in quotes. */
function written(value: string, { choices, low }: ColumnAbout): string {
  const known = choices?.find((choice) => String(choice) === value);
  const plain = known === undefined ? typeof low === "number" : typeof known !== "string";
  return plain && /^([-+]?\d+(\.\d+)?(e[-+]?\d+)?|true|false)$/i.test(value) ? value : `'${value.replaceAll("'", "''")}'`;
}
