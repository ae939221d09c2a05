// The keyboard: what a page binds is listed in its help (?), and is silent while one types.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

interface Bound {
  keys: string; // "g m", "Control+k", "/"
  about: string;
  act: () => void;
  typing: boolean;
}

export const bound = signal<Bound[]>([]);
let before = "";

/** While the component is there. typing: it works in a field, too. */
export function useKey(keys: string, about: string, act: () => void, typing = false): void {
  useEffect(() => {
    const one: Bound = { keys, about, act, typing };
    bound.value = [...bound.peek(), one];
    return () => {
      bound.value = bound.peek().filter((other) => other !== one);
    };
  }, [keys, act]);
}

function typesIn(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

addEventListener("keydown", (event) => {
  const held = `${event.ctrlKey || event.metaKey ? "Control+" : ""}${event.altKey ? "Alt+" : ""}`;
  const name = held + event.key;
  const typing = typesIn(event.target);
  const both = `${before} ${name}`;
  const found = bound.peek().findLast((one) => (one.keys === name || one.keys === both) && (one.typing || !typing));
  before = typing ? "" : name;
  if (!found || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  before = "";
  found.act();
});
