// The one table of viewers: what a file is (by media type, else by the end of its name) -> what shows
// it, loaded once there is something to show.
import type { ComponentType } from "preact";
import type { Real } from "./real";

/** What every viewer is given. */
export interface View {
  blob: Blob;
  media: string;
  name: string;
  real?: Real[];
}

export interface Kind {
  name: string;
  load: () => Promise<{ default: ComponentType<View> }>;
}

const text: Kind = { name: "text", load: () => import("./Text") };
const picture: Kind = { name: "picture", load: () => import("./Picture") };
const table: Kind = { name: "table", load: () => import("./Table") };
const json: Kind = { name: "json", load: () => import("./Json") };
const sound: Kind = { name: "sound", load: () => import("./Sound") };
const film: Kind = { name: "film", load: () => import("./Film") };
const shape: Kind = { name: "shape", load: () => import("./Shape") };
const molecule: Kind = { name: "molecule", load: () => import("./Molecule") };
const sequence: Kind = { name: "sequence", load: () => import("./Sequence") };
const other: Kind = { name: "other", load: () => import("./Other") };

// A star stands for any part; the first that fits is taken.
const BY_MEDIA: readonly (readonly [string, Kind])[] = [
  ["text/csv", table],
  ["text/tab-separated-values", table],
  ["text/x-fasta", sequence],
  ["application/x-fasta", sequence],
  ["chemical/seq-*", sequence],
  ["chemical/x-fasta", sequence],
  ["chemical/x-daylight-smiles", molecule],
  ["chemical/x-smiles", molecule],
  ["model/*", shape],
  ["image/*", picture],
  ["audio/*", sound],
  ["video/*", film],
  ["application/json", json],
  ["application/*+json", json],
  ["application/jsonl", json],
  ["text/*", text],
  ["application/javascript", text],
  ["application/xml", text],
  ["application/sql", text],
];
const BY_SUFFIX: Record<string, Kind> = {
  csv: table, tsv: table, fasta: sequence, fa: sequence, faa: sequence, fna: sequence,
  smi: molecule, smiles: molecule, glb: shape, gltf: shape, obj: shape, stl: shape, ply: shape,
  png: picture, jpg: picture, jpeg: picture, webp: picture, gif: picture, svg: picture, bmp: picture,
  wav: sound, mp3: sound, flac: sound, ogg: sound, opus: sound, mp4: film, webm: film,
  json: json, jsonl: json, txt: text, md: text,
};
// Types that say little: the name decides first.
const VAGUE = /^(text\/plain|application\/octet-stream)?$/;

export function kindOf(media: string, name: string): Kind {
  const plain = media.split(";")[0]!.trim().toLowerCase();
  const bySuffix = BY_SUFFIX[suffixIn(name)];
  if (VAGUE.test(plain) && bySuffix) return bySuffix;
  return BY_MEDIA.find(([like]) => fits(plain, like))?.[1] ?? bySuffix ?? other;
}

function fits(media: string, like: string): boolean {
  const [before, after] = like.split("*");
  return after === undefined ? media === like : media.startsWith(before!) && media.endsWith(after);
}

export function suffixIn(name: string): string {
  return /\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1]?.toLowerCase() ?? "";
}
