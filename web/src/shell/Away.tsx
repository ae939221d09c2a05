// Said while the server does not answer, and that it has come back.
import { useEffect, useState } from "preact/hooks";
import { reached, returns } from "../api/reach";
import { FIRST } from "./rooms";

const SEEN = 4000; // ms

export function Away() {
  const [back, setBack] = useState(false);
  const times = returns.value;
  useEffect(() => {
    if (!times) return;
    setBack(true);
    const timer = setTimeout(() => setBack(false), SEEN);
    return () => clearTimeout(timer);
  }, [times]);
  return (
    <div class="away" role="status" aria-live="polite">
      {!reached.value && (
        <p class="notice warn">The server does not answer. It is asked again until it does; what you have typed stays here.</p>
      )}
      {reached.value && back && <p class="notice good">The server is back.</p>}
    </div>
  );
}

/** What a room could not show, and the way out of it. */
export function Broken({ why }: { why: string }) {
  return (
    <div class="stack">
      <h1>This page cannot be shown</h1>
      <p class="notice bad">{why}</p>
      <p><a href={location.pathname}>Load the studio again</a> or <a href={`#/${FIRST}`}>go to another room</a>.</p>
    </div>
  );
}
