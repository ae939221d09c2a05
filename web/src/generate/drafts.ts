// What stands in the form of each model, kept in this tab so that a reload takes nothing; and the
// body that is asked with, or what is wrong in which field.
import { signal } from "@preact/signals";
import { FIELD_OF, type Form, parsed } from "./form";
import { type Condition, whereOf } from "./where";

export interface Given {
  name: string;
  data: string; // a data: URL
}

export interface Draft {
  prompt: string;
  count: string;
  seed: string;
  locked: boolean;
  first?: number; // the item of that seed that is made first
  values: Record<string, string>;
  where: Condition[];
  given: Record<string, Given>; // by the body's field
}

const PLACE = "genloom-drafts";
const MOST = 2_000_000; // letters that are kept
export const LARGEST = 2 ** 31 - 1;

export const rolled = () => String(Math.floor(Math.random() * LARGEST));
const fresh = (): Draft => ({ prompt: "", count: "", seed: rolled(), locked: false, values: {}, where: [], given: {} });

const drafts = signal<Record<string, Draft>>(read());

function read(): Record<string, Draft> {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE) ?? "{}") as Record<string, Draft>;
  } catch {
    return {};
  }
}

function keep(): void {
  let text = JSON.stringify(drafts.value);
  if (text.length > MOST) text = JSON.stringify(Object.fromEntries(Object.entries(drafts.value).map(([model, one]) => [model, { ...one, given: {} }])));
  try {
    sessionStorage.setItem(PLACE, text.length > MOST ? "{}" : text);
  } catch {
    // it is full: the form is kept in memory alone
  }
}

const blanks = new Map<string, Draft>();

export function draftOf(model: string): Draft {
  const found = drafts.value[model] ?? blanks.get(model);
  if (found) return found;
  const made = fresh();
  blanks.set(model, made);
  return made;
}

export function change(model: string, some: Partial<Draft>): void {
  drafts.value = { ...drafts.value, [model]: { ...draftOf(model), ...some } };
  keep();
}

export type Body = Record<string, unknown>;

/** The body, or for each field what is wrong with it. */
export function bodyOf(form: Form, draft: Draft): { body: Body; count: number; seed: number } | { wrong: Record<string, string> } {
  const wrong: Record<string, string> = {};
  const body: Body = { model: form.model };
  if (draft.prompt && takesPrompt(form)) body.prompt = draft.prompt;
  else if (form.prompt.needed) wrong.prompt = "This model needs a prompt.";
  const where = form.columns?.length ? whereOf(draft.where, form.columns) : null;
  if (where && "wrong" in where) wrong.where = where.wrong;
  else if (where?.text) body.where = where.text;
  for (const [name, one] of Object.entries(draft.given)) {
    if (Object.keys(form.takes).some((kind) => FIELD_OF[kind] === name)) body[name] = one.data;
  }
  for (const some of form.needs ?? []) {
    const fields = some.map((kind) => FIELD_OF[kind] ?? kind);
    if (!fields.some((field) => field in body)) wrong[fields[0]!] = "This model begins from a picture: give one.";
  }
  for (const option of form.options) {
    const found = acts(option.needs, body) ? parsed(option, draft.values[option.name] ?? "") : null;
    if (found && "wrong" in found) wrong[option.name] = found.wrong;
    else if (found) body[option.name] = found.value;
  }
  const wished = typeof body.frames === "number" ? String(body.frames) : draft.count || String(usualCount(form));
  const count = whole(wished, 1, form.most);
  const seed = whole(draft.seed, 0, Number.MAX_SAFE_INTEGER);
  if (count === null) wrong.count = `1 to ${form.most.toLocaleString("en")} is expected.`;
  if (seed === null) wrong.seed = "A whole number from 0 is expected.";
  return Object.keys(wrong).length || count === null || seed === null ? { wrong } : { body, count, seed };
}

export const takesPrompt = (form: Form) => !["none", "where"].includes(form.prompt.kind);
/** Rows are made by the dozen, files and texts one by one. */
export const isWhole = (form: Form) => form.whole ?? form.most > 1000;
export const usualCount = (form: Form) => (isWhole(form) ? 200 : 1);
/** Whether an option says anything: what it needs is there, of files and of other options. */
export const acts = (needs: string[] | undefined, body: Body) => (needs ?? []).every((name) => !["image", "mask", "control"].includes(name) || name in body);

function whole(text: string, low: number, high: number): number | null {
  const value = /^\s*\d{1,16}\s*$/.test(text) ? Number(text) : NaN;
  return value >= low && value <= high ? value : null;
}
