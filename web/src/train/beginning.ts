// Beginning a training: what the server is asked, and that the same settings of the same data begin
// once, however often they are sent: by a double click, after the back button, from a second tab.
import { fetched, get } from "../api/client";
import { linesOf } from "./draft";
import type { State, Training, Wanted } from "./told";

const MOST = 50; // times that one may fail and be begun again with the same settings
const OVER: readonly State[] = ["failed", "cancelled", "lost"];

export interface Asked {
  model: string;
  dataset: string;
  medium: string;
  changes: string[];
  [more: string]: unknown;
}

/** The body of a job; a plan is asked for the same. */
export function askedOf(dataset: string, wanted: Wanted): Asked {
  const changes = linesOf(wanted.changes);
  const seed = changes.find((line) => /^train\.seed\s*=/.test(line))?.split("=")[1];
  return {
    model: wanted.start || "new",
    dataset,
    medium: wanted.preset,
    changes,
    ...(wanted.length === "minutes" ? { minutes: wanted.minutes } : { size: wanted.size }),
    ...(wanted.start && wanted.adapter ? { adapter: wanted.adapter } : {}),
    ...(wanted.teacher ? { teacher: wanted.teacher } : {}),
    ...(wanted.licence ? { licence: wanted.licence } : {}),
    ...(wanted.name ? { suffix: wanted.name } : {}),
    ...(seed && Number.isInteger(Number(seed)) ? { seed: Number(seed) } : {}),
  };
}

/** made: its name, where it may be seen; before: it was there already. */
export async function beginOnce(asked: Asked): Promise<{ made: string | null; before: boolean }> {
  const print = printOf(JSON.stringify(asked));
  for (let turn = 0; turn < MOST; turn++) {
    const headers = { "idempotency-key": `train-${asked.dataset}-${print}-${turn}` };
    const answer = await fetched("POST", "/v1/fine_tuning/jobs", asked, { headers });
    const before = answer.headers.get("idempotency-replayed") === "true";
    const job = (await answer.json()) as { id: string };
    const all = await get<{ data: Training[] }>("/v1/trainings?limit=100");
    const made = all.data.find((one) => one.job === job.id);
    if (!before || (made && !OVER.includes(made.state))) return { made: made?.id ?? null, before };
  }
  throw new Error("This training failed too often with these settings: change them.");
}

/** Apart for texts that differ: one that were not would be told by the server. */
function printOf(text: string): string {
  let [a, b] = [7, 11];
  for (let n = 0; n < text.length; n++) {
    a = (Math.imul(a, 31) + text.charCodeAt(n)) >>> 0;
    b = (Math.imul(b, 0x01000193) ^ text.charCodeAt(n)) >>> 0;
  }
  return a.toString(16) + b.toString(16);
}
