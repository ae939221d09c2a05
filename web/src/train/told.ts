// What the server tells of data sets, plans and trainings; nothing here is made up by the page.
export interface Sample {
  name: string;
  media: string;
  caption: string | null;
}

export interface Preset {
  name: string;
  about: string;
  sizes: string[];
  minutes: Record<string, number>;
  needs_start: boolean;
  needs_teacher: boolean;
  builds_on: string[];
}

export interface Understood {
  medium: string;
  guess: string;
  why: string;
  media_type: string;
  items: number;
  files: number;
  bytes: number;
  licence: string;
  duplicates: number;
  near_duplicates?: number;
  left_out: number;
  skipped: { name: string; why: string }[];
  warnings: string[];
  summary: Record<string, unknown>;
  tokens?: { vocabulary: number; context: number; tokens: number; lengths: Record<string, number>; histogram: { up_to: number; items: number }[] };
  samples: Sample[];
  presets: Preset[];
  others: string[];
}

export interface Draft {
  version: number;
  values: Partial<Wanted>;
}

export interface Dataset {
  id: string;
  name: string;
  names: string[];
  path: string | null;
  files: number | null;
  bytes: number | null;
  status: "looking" | "ready" | "failed";
  error: { message: string } | null;
  found: Understood | null;
  draft: Draft;
  created_at: number;
}

/** What somebody is about to train with. */
export interface Wanted {
  preset: string;
  length: "minutes" | "size";
  minutes: number;
  size: string;
  start: string;
  teacher: string;
  adapter: string;
  name: string;
  licence: string;
  changes: string; // a line each
}

export interface Setting {
  name: string;
  value: unknown;
  about: string | null;
}

/** What a preset came to where it was measured; of other data it says nothing. */
export interface Expectation {
  metric: string;
  value: number;
  higher: boolean;
  floor: number | null;
  floor_is: string | null;
  ceiling: number | null;
  ceiling_is: string | null;
  data: string;
  size: string | null;
  minutes: number | null;
  machine: string;
  source: string;
}

export interface Plan {
  steps: number;
  batch: number;
  items: number;
  parameters: number;
  seconds: number;
  seconds_per_step: number;
  peak_bytes: number;
  free_bytes: number;
  epochs: number;
  device: string;
  quality: Expectation | null;
  judged: boolean;
  previewed: boolean;
  notes: string[];
  settings: Setting[];
}

export type State = "queued" | "preparing" | "running" | "paused" | "stopped" | "finished" | "failed" | "cancelled" | "lost";

export interface Told {
  kind: string;
  step: number;
  time: number;
  [measure: string]: unknown;
}

export interface Training {
  id: string;
  state: State;
  step: number;
  steps: number;
  parameters: number | null;
  medium: string | null;
  data: string | null;
  begun: number | null;
  changed: number;
  memory: number | null;
  model: boolean;
  job: string | null;
  base: string | null;
  dataset: string | null;
  error: { message: string } | null;
  finish: number | null;
  last: Record<string, Told>;
}

/** Words for a state: a tag's kind, and what it means. */
export const STATES: Record<State, { tag: string; name: string }> = {
  queued: { tag: "", name: "waits" },
  preparing: { tag: "", name: "reads the data" },
  running: { tag: "good", name: "trains" },
  paused: { tag: "warn", name: "paused" },
  stopped: { tag: "warn", name: "stopped" },
  finished: { tag: "good", name: "finished" },
  failed: { tag: "bad", name: "failed" },
  cancelled: { tag: "", name: "cancelled" },
  lost: { tag: "bad", name: "left nothing" },
};

export const LIVE: readonly State[] = ["queued", "preparing", "running"];
