// A text that grows: what is new is appended to the last of a few blocks, so that a frame costs the
// same however long the text is.
import { useEffect, useRef } from "preact/hooks";
import type { Item } from "./runs";

const BLOCK = 3000; // letters

export function Growing({ item, before }: { item: Item; before: string }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let shown = "";
    let last: Text | null = null;
    return item.turn.subscribe(() => {
      const root = place.current;
      if (!root || item.text === shown) return;
      if (!item.text.startsWith(shown)) {
        root.replaceChildren();
        [shown, last] = ["", null];
      }
      for (const piece of pieces(item.text.slice(shown.length))) {
        if (!last || (last.length > BLOCK && last.data.endsWith("\n"))) {
          const block = document.createElement("span");
          last = document.createTextNode("");
          block.append(last);
          block.className = "generate-block";
          root.append(block);
        }
        last.appendData(piece);
      }
      shown = item.text;
    });
  }, [item]);
  return <pre class="generate-text wrapped" tabIndex={0}>{before && <span class="faint">{before}</span>}<span ref={place} /></pre>;
}

/** Cut behind ends of lines, so that a block ends where a line does. */
function pieces(text: string): string[] {
  if (text.length < BLOCK) {
    const end = text.lastIndexOf("\n") + 1;
    return [text.slice(0, end), text.slice(end)].filter(Boolean);
  }
  return text.match(/[^\n]{0,3000}\n?/g)?.filter(Boolean) ?? [];
}
