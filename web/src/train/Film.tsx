// Previews as a film strip: what the model makes of the same seeds, step after step. The newest is
// shown large until somebody chooses another.
import { useState } from "preact/hooks";
import { part } from "../api/client";
import { count } from "../look/numbers";
import { Stored } from "./Stored";
import type { Told } from "./told";

const MEDIA: Record<string, string> = { png: "image/png", txt: "text/plain", csv: "text/csv" };

export function Film({ training, events }: { training: string; events: Told[] }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const frames = framesOf(events);
  const newest = frames.at(-1);
  if (!newest) return null;
  const shown = frames.find((one) => one.file === chosen) ?? newest;
  const path = `/v1/trainings/${part(training)}/previews/${part(shown.file)}`;
  function moved(event: KeyboardEvent) {
    const at = frames.indexOf(shown) + ({ ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0);
    const next = frames[at];
    if (!next || next === shown) return;
    event.preventDefault();
    setChosen(next === newest ? null : next.file);
    document.getElementById(`frame-${next.file}`)?.focus();
  }
  return (
    <section class="stack" aria-label="Previews">
      <div class="row between"><h2>What it makes of the same seeds</h2><span class="faint small">step <span class="number">{count(shown.step)}</span></span></div>
      <div class="train-strip" role="radiogroup" aria-label="Steps" onKeyDown={moved}>
        {frames.map((one) => (
          <button key={one.file} id={`frame-${one.file}`} type="button" role="radio" aria-checked={one === shown} tabIndex={one === shown ? 0 : -1}
            onClick={() => setChosen(one === newest ? null : one.file)}>
            <span class="number">{count(one.step)}</span>
          </button>
        ))}
      </div>
      <div class="train-frame"><Stored key={path} path={path} media={MEDIA[shown.file.split(".").pop() ?? ""] ?? "text/plain"} name={shown.file} /></div>
    </section>
  );
}

function framesOf(events: Told[]): { step: number; file: string }[] {
  const found = new Map<string, number>();
  for (const one of events) if (one.kind === "preview" && typeof one.path === "string") found.set(one.path, one.step);
  return [...found].map(([file, step]) => ({ step, file })).sort((a, b) => a.step - b.step);
}
