// What was asked for in this tab and what came of it: runs of items, newest first, kept through a
// reload. Knows no server; who asks is asking.ts.
import { type Signal, signal } from "@preact/signals";
import { suffixOf } from "../viewers/bytes";
import type { Body } from "./drafts";

export type State = "waiting" | "making" | "done" | "stopped" | "cut";

/** One thing in the making or made. Whoever shows it reads `turn`, which changes once a frame. */
export class Item {
  state: State = "waiting";
  text = "";
  tokens = 0;
  step = 0;
  steps = 0;
  media = "";
  suffix = "";
  asset: string | null = null;
  blob: Blob | null = null; // the file, or a preview of it
  drawn = 0; // how often there was another
  finish = "";
  began = 0; // milliseconds, as all times here
  first = 0;
  ended = 0;
  readonly turn = signal(0);
  constructor(readonly index: number) {}

  get seconds(): number {
    return this.ended && this.began ? (this.ended - this.began) / 1000 : 0;
  }
  /** Tokens a second, once the first was there. */
  get speed(): number | null {
    const seconds = ((this.ended || performance.timeOrigin + performance.now()) - this.first) / 1000;
    return this.tokens > 1 && this.first && seconds > 0.05 ? (this.tokens - 1) / seconds : null;
  }
}

export interface Asked {
  model: string;
  weights: string;
  media: string;
  texts: boolean;
  whole: boolean; // all of it is one file
  begins: boolean; // goes on from a picture
  body: Body; // without seed, number and count
  seed: number;
  count: number;
}

export class Run implements Asked {
  readonly id: string;
  model!: string;
  weights!: string;
  media!: string;
  texts!: boolean;
  whole!: boolean;
  begins!: boolean;
  body!: Body;
  seed!: number;
  count!: number;
  items: Item[];
  error: string | null = null;
  leave: AbortController | null = null;
  readonly state: Signal<State> = signal("waiting");
  readonly turn = signal(0);

  constructor(asked: Asked, id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`, first = 0) {
    Object.assign(this, asked);
    this.id = id;
    this.items = Array.from({ length: asked.whole ? 1 : asked.count }, (_, n) => new Item(first + n));
  }

  get missing(): Item[] {
    return this.items.filter((item) => item.state !== "done");
  }
  /** What of it is there, of 1; null while nothing is known. */
  get share(): number | null {
    const known = this.items.map((item) => (item.state === "done" ? 1 : item.steps ? item.step / item.steps : this.limit ? Math.min(1, item.tokens / this.limit) : item.state === "waiting" ? 0 : null));
    return known.some((one) => one === null) ? null : known.reduce((sum: number, one) => sum + one!, 0) / known.length;
  }
  private get limit(): number {
    return typeof this.body.max_tokens === "number" ? this.body.max_tokens : 0;
  }
}

export const nameOf = (run: Run, item: Item) =>
  `${run.model.split("/").pop()}-${run.seed}${run.items.length > 1 || item.index ? `-${item.index + 1}` : ""}${item.suffix || suffixOf(item.media || run.media) || (run.texts ? ".txt" : "")}`;

// --- kept in the tab ------------------------------------------------------------------------------

const PLACE = "genloom-runs";
const MOST_RUNS = 30;
const MOST_TEXT = 100_000; // letters of one item
const MOST_BODY = 300_000;

export const runs = signal<Run[]>(read());

export function add(run: Run): void {
  runs.value = [run, ...runs.value].slice(0, MOST_RUNS);
  keep();
}

export function forget(run: Run): void {
  run.leave?.abort();
  runs.value = runs.value.filter((one) => one !== run);
  keep();
}

type KeptItem = Pick<Item, "index" | "state" | "text" | "tokens" | "media" | "suffix" | "asset" | "finish" | "began" | "first" | "ended">;
type KeptRun = Asked & { id: string; error: string | null; state: State; items: KeptItem[] };

function read(): Run[] {
  try {
    return (JSON.parse(sessionStorage.getItem(PLACE) ?? "[]") as KeptRun[]).map(opened);
  } catch {
    return [];
  }
}

/** As it was; what was in the making when the page went is cut off. */
function opened({ id, error, state, items, ...asked }: KeptRun): Run {
  const run = new Run(asked, id);
  run.items = items.map((kept) => Object.assign(new Item(kept.index), kept, kept.state === "making" || kept.state === "waiting" ? { state: "cut" as const } : {}));
  const cut = state === "making" || state === "waiting";
  run.state.value = cut ? "cut" : state;
  run.error = cut ? "The page was loaded anew while this was being made." : error;
  return run;
}

let waiting = 0;

/** Soon, so that streams cost nothing; at once when the page goes. */
export function keep(soon = false): void {
  if (soon) {
    waiting ||= setTimeout(keep, 700) as unknown as number;
    return;
  }
  clearTimeout(waiting);
  waiting = 0;
  let some = runs.value.map(kept);
  for (;;) {
    try {
      sessionStorage.setItem(PLACE, JSON.stringify(some));
      return;
    } catch {
      if (!some.length) return;
      some = some.slice(0, Math.floor(some.length / 2));
    }
  }
}
addEventListener("pagehide", () => keep());

function kept(run: Run): KeptRun {
  const { id, error, model, weights, media, texts, whole, begins, seed, count } = run;
  const small = Object.fromEntries(Object.entries(run.body).filter(([, value]) => typeof value !== "string" || value.length < MOST_BODY));
  const items = run.items.map(({ index, state, text, tokens, media, suffix, asset, finish, began, first, ended }) => ({ index, state, text: text.slice(0, MOST_TEXT), tokens, media, suffix, asset, finish, began, first, ended }));
  return { id, error, model, weights, media, texts, whole, begins, body: small, seed, count, state: run.state.value, items };
}
