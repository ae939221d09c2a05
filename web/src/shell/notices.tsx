// Short words at the edge of the page, read aloud; errors stay until they are closed.
import { signal } from "@preact/signals";
import { Failed } from "../api/client";

interface Notice {
  number: number;
  kind: "good" | "bad" | "plain";
  text: string;
}

const notices = signal<Notice[]>([]);
let count = 0;

/** An error, or a word of what has happened. */
export function tell(what: unknown, kind: Notice["kind"] = "plain"): void {
  if (what instanceof Error && what.name === "AbortError") return;
  const bad = what instanceof Error;
  const text = bad ? said(what) : String(what);
  if (bad && notices.peek().some((one) => one.text === text)) return; // it still stands there
  const notice: Notice = { number: ++count, kind: bad ? "bad" : kind, text };
  notices.value = [...notices.value.slice(-3), notice];
  if (!bad) setTimeout(() => close(notice.number), 5000);
}

export function said(error: Error): string {
  const wait = error instanceof Failed && error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
  return error.message + wait;
}

function close(number: number): void {
  notices.value = notices.value.filter((one) => one.number !== number);
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((one) => (
        <div key={one.number} class={`notice ${one.kind}`}>
          <span class="fill">{one.text}</span>
          <button type="button" class="button quiet square" aria-label="Close this notice" onClick={() => close(one.number)}>✕</button>
        </div>
      ))}
    </div>
  );
}
