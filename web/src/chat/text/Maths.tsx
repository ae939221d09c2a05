// A formula: its source until it is set, and where it cannot be.
import { type ComponentChildren, h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Part } from "./formula";
import { useSeen } from "./seen";

export function Maths({ text, shown }: { text: string; shown: boolean }) {
  const [made, setMade] = useState<Part | string | null>(null);
  const [place, seen] = useSeen<HTMLSpanElement>();
  useEffect(() => {
    if (!seen) return;
    let here = true;
    import("./formula").then(({ formula }) => {
      if (!here) return;
      try {
        setMade(formula(text, shown));
      } catch {
        setMade(null);
      }
    }, () => undefined);
    return () => { here = false; };
  }, [text, shown, seen]);
  const inside = made === null ? <code>{text}</code> : element(made, 0);
  return shown ? <span ref={place} class="chat-formula" tabIndex={0} role="group" aria-label="Formula">{inside}</span> : <span ref={place}>{inside}</span>;
}

function element(part: Part | string, key: number): ComponentChildren {
  return typeof part === "string" ? part : h(part.name, { key, ...part.attributes }, part.children.map(element));
}
