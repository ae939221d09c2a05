// Chats as the server tells of them, and what it is asked about them. Nothing of what is said stands in
// an address.
import { ask, Failed, get, part, post, remove } from "../api/client";

export interface Call {
  id: string;
  name: string;
  arguments: string;
}
export interface Turn {
  id: string;
  parent: string | null;
  role: "user" | "assistant" | "tool";
  status: "in_progress" | "completed" | "incomplete" | "failed";
  text: string;
  reasoning?: string;
  calls?: Call[];
  call_id?: string;
  reason?: string;
  error?: { message: string };
  model?: string;
  weights?: string;
  seed?: number;
  usage?: { made: number; prompt: number };
  timing?: { seconds: number; first?: number };
  measured?: boolean;
}
export interface Fields {
  title: string;
  model: string | null;
  system: string;
  settings: Record<string, unknown>;
  tools: unknown[];
}
export interface Chat extends Fields {
  id: string;
  head: string | null;
  version: number;
  count: number;
  excerpt: string;
  created_at: number;
  changed_at: number;
}
/** A token, its log-probability (null: not measured), and the likeliest in its place. */
export type Chance = [token: string, logprob: number | null, others: [string, number][]];
export interface Said {
  role: "user" | "tool";
  text: string;
  call_id?: string;
}
export interface Differing {
  version: number;
  differs: Partial<Record<keyof Fields, { yours: unknown; theirs: unknown }>>;
}

const at = (id: string, rest = "") => `/v1/chats/${part(id)}${rest}`;

/** With a number of its own: where the network goes it is asked again, and the server does it once. */
async function once<T>(path: string, body: object): Promise<T> {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const headers = { "idempotency-key": [...bytes].map((n) => n.toString(16).padStart(2, "0")).join("") };
  for (const pause of [300, 1500, 4000]) {
    try {
      return await post<T>(path, body, { headers });
    } catch (error) {
      if (!(error instanceof Failed) || error.status !== 0) throw error;
      await new Promise((done) => setTimeout(done, pause));
    }
  }
  return post<T>(path, body, { headers });
}

export const searched = (query: string, after: string | null) =>
  post<{ data: Chat[]; has_more: boolean }>("/v1/chats/search", { query, limit: 50, ...(after ? { after } : {}) });
export const opened = (id: string) => get<Chat & { turns: Turn[] }>(at(id));
export const made = (fields: object) => post<Chat>("/v1/chats", fields);
export const changed = (id: string, version: number, fields: Partial<Fields>) => ask<Chat>("PATCH", at(id), { version, ...fields });
export const shown = (id: string, head: string | null) => post<Chat>(at(id, "/shown"), { head });
export const removed = (id: string) => remove(at(id));
export const answered = (id: string, parent: string | null, said: Said[]) => once<{ data: Turn[] }>(at(id, "/answers"), { parent, said });
export const continued = (id: string, turn: string) => once<Turn>(at(id, `/turns/${part(turn)}/continue`), {});
export const stopped = (id: string, turn: string) => post<Turn>(at(id, `/turns/${part(turn)}/cancel`));
export const following = (id: string, turn: string) => at(id, `/turns/${part(turn)}/events`);
export const chances = (id: string, turn: string) => get<{ data: Chance[] }>(at(id, `/turns/${part(turn)}/chances`));
