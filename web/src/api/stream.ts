// Server-sent events over fetch, which takes a key and a body, as EventSource does not.
import { type Body, Failed, fetched } from "./client";
import { lost } from "./reach";

export interface Told {
  event: string;
  id: string;
  data: string;
}

/** The events of an answer, in order. Ends with the stream; leaving the loop leaves the server.
    Failed with status 0 where the server goes away in between. */
export async function* events(method: string, path: string, body?: Body, more: RequestInit = {}): AsyncGenerator<Told> {
  const leave = new AbortController();
  more.signal?.addEventListener("abort", () => leave.abort());
  const headers = { accept: "text/event-stream", ...(more.headers as Record<string, string>) };
  const answer = await fetched(method, path, body, { ...more, headers, signal: leave.signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let held = "";
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(gone);
      if (done) return;
      held += value;
      const blocks = held.split(/\r?\n\r?\n/);
      held = blocks.pop() ?? "";
      for (const block of blocks) {
        const told = read(block);
        if (told) yield told;
      }
    }
  } finally {
    leave.abort();
  }
}

function gone(error: Error): never {
  if (error.name === "AbortError") throw error;
  lost();
  throw new Failed(0, "the server went away while it answered", "gone");
}

function read(block: string): Told | null {
  const told: Told = { event: "message", id: "", data: "" };
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (field === "data") data.push(value ?? "");
    else if (field === "event") told.event = value ?? "";
    else if (field === "id") told.id = value ?? "";
  }
  told.data = data.join("\n");
  return data.length ? told : null;
}
