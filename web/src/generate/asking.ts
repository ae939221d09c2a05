// Asks the server for a run and takes what it streams; what has changed is told once a frame, however
// much came. Knows the events of /v1/generate; not how anything looks.
import { batch } from "@preact/signals";
import { Failed } from "../api/client";
import { events } from "../api/stream";
import { type Item, keep, type Run } from "./runs";

const PREVIEWS = 4;

interface Told {
  type: string;
  index?: number;
  text?: string;
  tokens?: number;
  step?: number;
  steps?: number;
  media?: string;
  suffix?: string;
  asset_id?: string;
  b64?: string;
  finish?: string;
  error?: { message: string; code: string | null; param: string | null };
}

/** Everything of the run that is not there yet. A Failed of before the first event is thrown. */
export async function make(run: Run): Promise<void> {
  const missing = run.missing;
  if (!missing.length || run.leave) return;
  const [first, last] = [missing[0]!.index, missing.at(-1)!.index];
  const some = run.items.filter((item) => item.index >= first && item.index <= last);
  run.leave = new AbortController();
  run.error = null;
  run.state.value = "making";
  for (const item of missing) Object.assign(item, { state: "making", began: now(), first: 0, ended: 0, tokens: 0, step: 0, steps: 0 });
  touch(run, ...missing);
  try {
    await taken(run, some, first);
    run.state.value = "done";
  } catch (error) {
    ended(run, error as Error);
    if (error instanceof Failed && error.status >= 400 && error.status < 500) throw error;
  } finally {
    run.leave = null;
    touch(run, ...missing);
    keep();
  }
}

/** Stopped by hand, or cut off: what came stays. */
function ended(run: Run, error: Error): void {
  const stopped = error.name === "AbortError";
  run.state.value = stopped ? "stopped" : "cut";
  run.error = stopped ? null : error instanceof Failed ? error.message : "The server went away while this was being made.";
  for (const item of run.missing) Object.assign(item, { state: run.state.value, ended: now() });
}

async function taken(run: Run, items: Item[], first: number): Promise<void> {
  const more = run.texts ? { store: true } : run.media.startsWith("image/") ? { previews: PREVIEWS } : {};
  const count = run.whole ? run.count : items.length;
  const body = { ...run.body, ...more, seed: run.seed, first, count, stream: true };
  const grown = new Map<Item, string>(); // of those that are made again
  const settled = new Set(items.filter((item) => item.state === "done"));
  for await (const one of events("POST", "/v1/generate", body, { signal: run.leave!.signal })) {
    if (one.data === "[DONE]") return;
    const told = JSON.parse(one.data) as Told;
    if (told.error) throw new Failed(500, told.error.message, told.error.code, told.error.param);
    const item = items[run.whole ? 0 : (told.index ?? 0)];
    if (!item || settled.has(item)) continue;
    take(item, told, grown);
    touch(run, item);
  }
  if (run.missing.length) throw new Error("cut off");
}

function take(item: Item, told: Told, grown: Map<Item, string>): void {
  if (told.type === "text") {
    const text = (grown.get(item) ?? "") + (told.text ?? "");
    grown.set(item, text);
    if (text.length > item.text.length || !item.text.startsWith(text)) item.text = text;
    item.tokens += told.tokens ?? 0;
    item.first ||= now();
  } else if (told.type === "preview") {
    Object.assign(item, { step: told.step ?? 0, steps: told.steps ?? 0 });
    if (told.b64 && !item.asset) Object.assign(item, { blob: bytesOf(told.b64, told.media ?? ""), media: told.media, drawn: item.drawn + 1 });
  } else if (told.type === "asset") {
    Object.assign(item, { asset: told.asset_id ?? null, media: told.media ?? "", suffix: told.suffix ?? "" });
    Object.assign(item, { blob: bytesOf(told.b64 ?? "", item.media), drawn: item.drawn + 1 });
  } else if (told.type === "ended") {
    Object.assign(item, { finish: told.finish ?? "", tokens: told.tokens || item.tokens, ended: now(), state: "done" });
  }
}

function bytesOf(base64: string, media: string): Blob {
  return new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: media });
}

const now = () => performance.timeOrigin + performance.now();

// --- told once a frame ----------------------------------------------------------------------------

const touched = new Set<Item | Run>();
let frame = 0;

function touch(run: Run, ...items: Item[]): void {
  for (const one of [run, ...items]) touched.add(one);
  keep(true);
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    const some = [...touched];
    touched.clear();
    batch(() => some.forEach((one) => one.turn.value++));
  });
}
