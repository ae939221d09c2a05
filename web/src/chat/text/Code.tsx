// A block of code: its language, a way to copy it, and colours once the highlighter is there.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../../look/Button";
import { tell } from "../../shell/notices";
import type { Span } from "./coloured";
import { useSeen } from "./seen";

const LONGEST = 20_000; // characters that are coloured

export function Code({ text, language }: { text: string; language: string }) {
  const name = language.split(/\s/, 1)[0]?.toLowerCase() ?? "";
  const [made, setMade] = useState<{ text: string; root: Span } | null>(null);
  const [place, seen] = useSeen<HTMLElement>();
  useEffect(() => {
    if (!seen || !name || text.length > LONGEST) return;
    let here = true;
    const later = setTimeout(async () => {
      const { coloured } = await import("./coloured");
      const root = coloured(text, name);
      if (here && root) setMade({ text, root });
    }, 60); // while it is written, its colours wait for a pause
    return () => { here = false; clearTimeout(later); };
  }, [text, name, seen]);
  return (
    <figure class="chat-code" ref={place}>
      <figcaption class="row between"><span>{name || "text"}</span><Button kind="quiet" act={() => copied(text)}>Copy</Button></figcaption>
      <pre tabIndex={0} aria-label={`Code, ${name || "text"}`}><code>{made?.text === text ? spans(made.root) : text}</code></pre>
    </figure>
  );
}

function spans(of: Span): ComponentChildren {
  return of.children.map((one, n) =>
    typeof one === "string" ? one : <span key={n} class={one.scope ? `chat-hl-${one.scope.split(".")[0]}` : undefined}>{spans(one)}</span>,
  );
}

/** Into the clipboard; plain pages on other machines have none. */
export async function copied(text: string): Promise<void> {
  if (!navigator.clipboard) throw new Error("this browser lets a page copy only over https or on this machine");
  await navigator.clipboard.writeText(text);
  tell("Copied.", "good");
}
