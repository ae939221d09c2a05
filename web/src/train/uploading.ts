// Files on their way to the server: laid end to end into one upload, sent in parts with their hashes.
// A part that fails is sent again; an upload that was cut off goes on where it stood, also when the
// same files are dropped once more. Cancelling removes all of it.
import { signal } from "@preact/signals";
import { ask, Failed, fetched, get, post } from "../api/client";
import type { Given } from "./dropped";
import type { Dataset } from "./told";

const PART = 8 * 1024 * 1024;
const TRIES = 6;

export interface Sending {
  files: number;
  bytes: number;
  sent: number;
  what: string; // in a few words
}

export const sending = signal<Sending | null>(null);

interface Come {
  id: string;
  status: string;
  parts: { id: string; bytes: number; sha256: string }[];
}

/** The data set they become. Aborting the signal removes what has come. */
export async function upload(given: Given[], signal: AbortSignal): Promise<Dataset> {
  const bytes = given.reduce((sum, one) => sum + one.file.size, 0);
  if (!bytes) throw new Failed(0, "there is nothing in these files");
  const place = `genloom-upload:${await printOf(given)}`;
  const whole = new Blob(given.map((one) => one.file));
  const tell = (sent: number, what: string) => (sending.value = { files: given.length, bytes, sent, what });
  tell(0, "Beginning");
  const come = (await goneOn(place)) ?? (await begin(given, bytes));
  sessionStorage.setItem(place, come.id);
  try {
    signal.throwIfAborted(); // given up while it was begun: what was begun is known now, and ends below
    const ids: string[] = [];
    const known = new Map(come.parts.map((part) => [part.sha256, part.id]));
    for (let at = 0; at < bytes; at += PART) {
      const part = whole.slice(at, at + PART);
      const hash = await hashOf(part);
      const have = hash ? known.get(hash) : undefined;
      ids.push(have ?? (await sent(come.id, part, hash, signal, ids)));
      if (have && hash) known.delete(hash); // equal parts are sent as often as they occur
      tell(Math.min(bytes, at + PART), "Uploading");
    }
    tell(bytes, "Putting it together");
    const made = await post<{ file: { id: string } }>(`/v1/uploads/${come.id}/complete`, { part_ids: ids }, { signal });
    const files = given.map((one) => ({ name: one.name, bytes: one.file.size }));
    return await post<Dataset>("/v1/datasets", { file: made.file.id, files }, { signal });
  } catch (error) {
    if (signal.aborted) await post(`/v1/uploads/${come.id}/cancel`).catch(() => undefined);
    throw error;
  } finally {
    if (signal.aborted || sending.value?.what === "Putting it together") sessionStorage.removeItem(place);
    sending.value = null;
  }
}

/** Never broken off halfway: the server would keep an upload whose name nobody knows. */
async function begin(given: Given[], bytes: number): Promise<Come> {
  const filename = given.length === 1 ? given[0]!.file.name.slice(-200) : "files";
  const asked = { bytes, filename, mime_type: "application/octet-stream", purpose: "user_data" };
  return { ...(await post<Come>("/v1/uploads", asked)), parts: [] };
}

/** What has come of the same files before, if it may go on. */
async function goneOn(place: string): Promise<Come | null> {
  const id = sessionStorage.getItem(place);
  if (!id) return null;
  const found = await get<Come>(`/v1/uploads/${encodeURIComponent(id)}`).catch(() => null);
  return found?.status === "pending" ? found : null;
}

async function sent(id: string, part: Blob, hash: string | null, signal: AbortSignal, taken: string[]): Promise<string> {
  for (let turn = 1; ; turn++) {
    try {
      const form = new FormData();
      if (hash) form.set("sha256", hash);
      form.set("data", part, "part");
      return ((await (await fetched("POST", `/v1/uploads/${id}/parts`, form, { signal })).json()) as { id: string }).id;
    } catch (error) {
      const later = error instanceof Failed && (error.status === 0 || error.status >= 500 || error.status === 429 || error.code === "checksum_mismatch");
      if (signal.aborted || !later || turn >= TRIES) throw error;
      if (sending.value) sending.value = { ...sending.value, what: "The server does not answer: trying again" };
      await new Promise((done) => setTimeout(done, 500 * 2 ** turn));
      const now = await come(id);
      const have = hash && now?.parts.find((one) => one.sha256 === hash && !taken.includes(one.id));
      if (have) return have.id; // its answer was lost on the way
    }
  }
}

const come = (id: string) => ask<Come>("GET", `/v1/uploads/${id}`).catch(() => null);

/** SHA-256 in hex; null where the browser has none (a page that came without TLS from elsewhere). */
async function hashOf(data: Blob | string): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : await data.arrayBuffer();
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The same for the same files: names, sizes and times. */
async function printOf(given: Given[]): Promise<string> {
  const told = given.map((one) => `${one.name}\n${one.file.size}\n${one.file.lastModified}`).join("\n");
  return (await hashOf(told)) ?? String(told.length);
}
