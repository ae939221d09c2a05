// Whether the server answers. Once it did not, it is asked again every second or two until it does;
// what shows its answers asks again then, by itself.
import { effect, signal } from "@preact/signals";

export const reached = signal(true);
/** How often the server has come back. */
export const returns = signal(0);
const SOON = 1000;
const LATER = 5000; // ms between two tries

export function lost(): void {
  reached.value = false;
}

export function found(): void {
  if (reached.peek()) return;
  reached.value = true;
  returns.value += 1;
}

async function healthy(): Promise<boolean> {
  try {
    return (await fetch("/health", { credentials: "omit", cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

async function wait(): Promise<void> {
  for (let pause = SOON; !reached.peek(); pause = Math.min(1.5 * pause, LATER)) {
    await new Promise((awake) => setTimeout(awake, pause));
    if (await healthy()) found();
  }
}

effect(() => {
  if (!reached.value) void wait();
});
addEventListener("offline", lost);
