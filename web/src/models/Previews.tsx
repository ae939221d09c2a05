// The film strip that a training left: what the same seeds became, step after step.
import { useEffect, useId, useState } from "preact/hooks";
import { fetched, part } from "../api/client";
import { count } from "../look/numbers";
import type { Preview } from "./told";

const LONGEST_TEXT = 4000;

export function Previews({ model, previews }: { model: string; previews: Preview[] }) {
  const id = useId();
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = previews.find((one) => one.name === chosen) ?? previews.at(-1);
  if (!shown) return null;
  function moved(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step && previews[previews.indexOf(shown!) + step];
    if (!next) return;
    event.preventDefault();
    setChosen(next.name);
    document.getElementById(`${id}-${next.name}`)?.focus();
  }
  return (
    <section class="panel stack" aria-labelledby={id}>
      <h2 id={id}>What it made while it learnt</h2>
      <div class="models-strip" role="radiogroup" aria-label="Steps" onKeyDown={moved}>
        {previews.map((one) => (
          <button key={one.name} id={`${id}-${one.name}`} type="button" role="radio" aria-checked={one === shown} tabIndex={one === shown ? 0 : -1}
            class="number" onClick={() => setChosen(one.name)}>{one.step === null ? one.name : count(one.step)}</button>
        ))}
      </div>
      <Shown key={shown.name} path={`/v1/models/${part(model)}/previews/${encodeURIComponent(shown.name)}`} preview={shown} />
    </section>
  );
}

function Shown({ path, preview }: { path: string; preview: Preview }) {
  const [found, setFound] = useState<{ url?: string; text?: string; error?: string }>({});
  useEffect(() => {
    const leave = new AbortController();
    let url = "";
    (async () => {
      const blob = await (await fetched("GET", path, undefined, { signal: leave.signal })).blob();
      if (!preview.media?.startsWith("image/")) return setFound({ text: (await blob.text()).slice(0, LONGEST_TEXT) });
      url = URL.createObjectURL(blob);
      setFound({ url });
    })().catch((error: Error) => error.name === "AbortError" || setFound({ error: error.message }));
    return () => {
      leave.abort();
      URL.revokeObjectURL(url);
    };
  }, [path]);
  if (found.error) return <p class="notice bad">{found.error}</p>;
  if (found.url) return <img class="models-frame" src={found.url} alt={`What was made at step ${preview.step ?? preview.name}`} />;
  if (found.text !== undefined) return <pre class="models-frame">{found.text}</pre>;
  return <p class="faint" aria-busy="true">Loading…</p>;
}
