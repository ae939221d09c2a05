// What stands where something is asked for that is not there yet, or could not be had.
import type { ComponentChildren } from "preact";
import type { Asked } from "../api/asked";
import { said } from "../shell/notices";

export function Asking<T>({ asked, children }: { asked: Asked<T>; children: (data: T) => ComponentChildren }) {
  if (asked.error && asked.data === null) return <p class="notice bad">{said(asked.error)}</p>;
  if (asked.data === null) return <p class="faint" aria-busy="true">Loading…</p>;
  return (
    <div class="stack">
      {asked.error && <p class="notice warn">{said(asked.error)} What stands here is older.</p>}
      {children(asked.data)}
    </div>
  );
}
