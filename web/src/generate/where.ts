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

/** The comparison of a condition that is a whole sentence. */
export const WRITTEN = "written";

/** Columns of which anything can be asked. */
export const askable = (columns: ColumnAbout[]) => columns.filter((column) => column.choices?.length || column.low !== undefined);

export function opsOf(column: ColumnAbout): string[] {
  const some = column.choices?.length ? OF_WORDS : OF_NUMBERS;
  return column.missing ? [...some, "null", "not null"] : some;
}

export function whereOf(conditions: Condition[], columns: ColumnAbout[]): { text: string } | { wrong: string } {
  const parts: string[] = [];
  for (const { column, op, value } of conditions) {
    if (op === WRITTEN) {
      if (value.trim()) parts.push(conditions.length > 1 ? `(${value.trim()})` : value.trim());
      continue;
    }
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

const NAME = /"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_]*/.source;
const VALUE = /'(?:[^']|'')*'|[^\s(),']+/.source;
const LIST = `\\s*(?:${VALUE})(?:\\s*,\\s*(?:${VALUE}))*\\s*`;
const ONE = `\\s*(?<name>${NAME})\\s*(?:(?<op><=|>=|!=|=|<|>)\\s*(?<value>${VALUE})|in\\s*\\((?<list>${LIST})\\)|is\\s+(?<not>not\\s+)?null)\\s*(?:and\\b|$)`;

/** A sentence back in fields; as one condition that is written out where they cannot say it. */
export function conditionsOf(text: string): Condition[] {
  const found: Condition[] = [];
  const one = new RegExp(ONE, "iy");
  while (one.lastIndex < text.length) {
    const groups = one.exec(text)?.groups;
    const listed = groups?.list?.match(new RegExp(VALUE, "g"))?.map(bare);
    if (!groups || listed?.some((value) => value.includes(","))) return [{ column: "", op: WRITTEN, value: text }];
    const name = groups.name!;
    const column = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
    if (listed) found.push({ column, op: "in", value: listed.join(", ") });
    else if (groups.op) found.push({ column, op: groups.op, value: bare(groups.value!) });
    else found.push({ column, op: groups.not ? "not null" : "null", value: "" });
  }
  return found;
}

const bare = (value: string) => (value.startsWith("'") ? value.slice(1, -1).replaceAll("''", "'") : value);
