// All trainings that may be seen, the newest first: those of this room and those of the command line.
import { useState } from "preact/hooks";
import { useAsked } from "../api/asked";
import { count, figure, when } from "../look/numbers";
import { Cloth, Weave } from "../look/Weave";
import { to } from "../shell/router";
import { Compare } from "./Compare";
import { useWeaves } from "./weaves";
import { LIVE, STATES, type Training } from "./told";

export function RunList() {
  const runs = useAsked<{ data: Training[]; has_more: boolean }>("/v1/trainings", 2);
  const [picked, setPicked] = useState<string[]>([]);
  const weaveOf = useWeaves(runs.data?.data.filter((run) => run.model).length ?? 0);
  const all = runs.data?.data ?? [];
  const chosen = picked.filter((name) => all.some((run) => run.id === name));
  if (runs.error && !runs.data) return <p class="notice bad">{runs.error.message}</p>;
  if (!runs.data) return <p class="faint" aria-busy="true">Loading…</p>;
  if (!all.length) return <p class="faint">No training yet. Those of <code>genloom train</code> show up here, too.</p>;
  return (
    <section class="stack" aria-label="Trainings">
      <div class="row between">
        <h2>Trainings</h2>
        <span class="faint small">{chosen.length > 1 ? `${chosen.length} compared below` : "Tick two or more to lay their curves over each other"}</span>
      </div>
      <ul class="train-runs">
        {all.map((run) => (
          <Row key={run.id} run={run} weave={weaveOf(run.id)} picked={chosen.includes(run.id)}
            pick={(on) => setPicked(on ? [...chosen, run.id].slice(-6) : chosen.filter((name) => name !== run.id))} />
        ))}
      </ul>
      {chosen.length > 1 && <Compare names={chosen} live={all.some((run) => chosen.includes(run.id) && LIVE.includes(run.state))} />}
    </section>
  );
}

function Row({ run, weave, picked, pick }: { run: Training; weave: string; picked: boolean; pick: (on: boolean) => void }) {
  const state = STATES[run.state];
  const [name, value] = headline(run);
  return (
    <li>
      <input type="checkbox" aria-label={`Compare ${run.id}`} checked={picked} onChange={(e) => pick(e.currentTarget.checked)} />
      <Weave of={weave} size={32} />
      <div class="fill train-run">
        <a class="cut" href={to("train", ["run", run.id])}>{run.id}</a>
        <span class="faint small cut">{[run.medium, when(run.begun), run.job ? "" : "command line"].filter(Boolean).join(" · ")}</span>
      </div>
      <span class="number small train-headline">{value === null ? "" : `${name.replaceAll("_", " ")} ${figure(value)}`}</span>
      {LIVE.includes(run.state) && run.steps > 0
        ? <div class="train-progress"><Cloth of={weave} value={run.step / run.steps} label={`${run.id}: step ${count(run.step)} of ${count(run.steps)}`} /></div>
        : null}
      <span class={`tag ${state.tag}`}>{state.name}</span>
    </li>
  );
}

const NO_MEASURE = new Set(["step", "time", "seconds", "line", "norm"]);

/** What was judged last, else the loss. */
export function headline(run: Training): [string, number | null] {
  for (const kind of ["done", "judge", "step"]) {
    for (const [name, value] of Object.entries(run.last[kind] ?? {})) {
      if (!NO_MEASURE.has(name) && typeof value === "number") return [name, value];
    }
  }
  return ["", null];
}
