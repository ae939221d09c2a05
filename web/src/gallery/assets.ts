// Finished things as the server tells of them, and which of them are meant. Knows paths; asks nothing.
import { to } from "../shell/router";

export interface Asset {
  id: string;
  media: string;
  bytes: number;
  created_at: number;
  sha256: string;
  model: string | null;
  model_weights: string | null;
  prompt: string | null;
  seed: number | null;
  options: Record<string, unknown>;
  favourite: boolean;
  labels: string[];
  record?: Record<string, unknown>;
}

export interface Listed {
  data: Asset[];
  total: number;
  first_id: string | null;
}

export interface Facets {
  total: number;
  bytes: number;
  models: { model: string | null; model_weights: string | null; count: number }[];
  media: { media: string; count: number }[];
}

/** What stands in the filters; all of it is in the page's address. */
export interface Filter {
  query: string;
  model: string;
  media: string;
  label: string;
  favourite: boolean;
  since: string; // a day
  until: string; // the last day
  old: boolean; // the oldest first
}

const TEXTS = ["query", "model", "media", "label", "since", "until"] as const;
const FLAGS = ["favourite", "old"] as const;

export function filterOf(query: URLSearchParams): Filter {
  const texts = Object.fromEntries(TEXTS.map((name) => [name, query.get(name) ?? ""]));
  const flags = Object.fromEntries(FLAGS.map((name) => [name, query.get(name) === "1"]));
  return { ...texts, ...flags } as unknown as Filter;
}

/** The filters as the query of this page's address. */
export function queryOf(filter: Filter): Record<string, string> {
  const texts = TEXTS.filter((name) => filter[name]).map((name) => [name, filter[name]]);
  const flags = FLAGS.filter((name) => filter[name]).map((name) => [name, "1"]);
  return Object.fromEntries([...texts, ...flags]) as Record<string, string>;
}

/** The same for the server. */
export function askedOf(filter: Filter): URLSearchParams {
  const asked = new URLSearchParams();
  for (const name of ["query", "model", "media", "label"] as const) if (filter[name]) asked.set(name, filter[name]);
  if (filter.favourite) asked.set("favourite", "true");
  const [since, before] = [dayBegins(filter.since, 0), dayBegins(filter.until, 1)];
  if (since !== null) asked.set("since", String(since));
  if (before !== null) asked.set("before", String(before));
  return asked;
}

/** Seconds since 1970 at which a day begins here; later: so many days after it. */
function dayBegins(day: string, later: number): number | null {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? [];
  return year ? new Date(Number(year), Number(month) - 1, Number(date) + later).getTime() / 1000 : null;
}

export const weaveOf = (asset: Asset) => asset.model_weights || asset.model || "";

/** A text in which what would turn or hide other letters is written out. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** One line that says which one it is. */
export function titleOf(asset: Asset): string {
  return plain(asset.prompt?.trim() ?? "") || `${asset.media}, seed ${asset.seed ?? "unknown"}`;
}

/** A way into the room that makes things: "again" with the seed, "vary" with a new one, "edit" from it. */
export function wayOf(asset: Asset, how: "again" | "vary" | "edit"): string {
  return to("generate", [], { asset: asset.id, ...(how === "again" ? {} : { [how]: "1" }) });
}
