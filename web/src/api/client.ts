// Asking the server: the key goes along, errors have one shape. Knows no route.
import { signal } from "@preact/signals";
import { key } from "./key";
import { found, lost } from "./reach";

/** What the server refused, in its own words. */
export class Failed extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code: string | null = null,
    readonly param: string | null = null,
    readonly retryAfter: number | null = null,
    /** All that was answered: a conflict tells what stands there now. */
    readonly body: unknown = null,
  ) {
    super(message);
  }
}

/** Set once the server wants a key that it was not given. */
export const locked = signal(false);

export type Body = Blob | FormData | object | undefined;

export async function fetched(method: string, path: string, body?: Body, more: RequestInit = {}): Promise<Response> {
  const headers = new Headers(more.headers);
  if (key()) headers.set("authorization", `Bearer ${key()}`);
  let sent: BodyInit | undefined;
  if (body instanceof FormData || body instanceof Blob) sent = body;
  else if (body !== undefined) {
    headers.set("content-type", "application/json");
    sent = JSON.stringify(body);
  }
  let answer: Response;
  try {
    answer = await fetch(path, { ...more, method, headers, body: sent, credentials: "omit", redirect: "error" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    lost();
    throw new Failed(0, "the server does not answer: is it still running?");
  }
  found();
  if (!answer.ok) throw await failure(answer);
  return answer;
}

async function failure(answer: Response): Promise<Failed> {
  if (answer.status === 401) locked.value = true;
  const after = Number(answer.headers.get("retry-after")) || null;
  try {
    const body = (await answer.json()) as { error: { message: string; code: string | null; param: string | null } };
    const { error } = body;
    return new Failed(answer.status, error.message, error.code, error.param, after, body);
  } catch {
    return new Failed(answer.status, `the server answered ${answer.status}`, null, null, after);
  }
}

export async function ask<T>(method: string, path: string, body?: Body, more?: RequestInit): Promise<T> {
  return (await (await fetched(method, path, body, more)).json()) as T;
}

export const get = <T>(path: string, more?: RequestInit) => ask<T>("GET", path, undefined, more);
export const post = <T>(path: string, body?: Body, more?: RequestInit) => ask<T>("POST", path, body, more);
export const remove = <T>(path: string) => ask<T>("DELETE", path);

/** A name in a path; the ids of models may hold slashes, which stay. */
export const part = (name: string) => name.split("/").map(encodeURIComponent).join("/");
