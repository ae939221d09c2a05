// The plan: what a training with these settings would take on this machine, by the server's probe of
// it; asked for again a moment after the last change.
import { useEffect, useState } from "preact/hooks";
import { Failed, post } from "../api/client";
import { bytes, count, duration, figure } from "../look/numbers";
import { askedOf } from "./beginning";
import { Expected } from "./Expected";
import type { Plan, Wanted } from "./told";

const SOON = 700; // milliseconds

export interface Planning {
  plan: Plan | null;
  asking: boolean;
  /** What cannot be, in the recipe's own words. */
  wrong: string | null;
  /** Why there is no plan, though nothing is wrong with the settings. */
  trouble: string | null;
}

export function usePlan(dataset: string, wanted: Wanted, whole: boolean): Planning {
  const [now, setNow] = useState<Planning>({ plan: null, asking: whole, wrong: null, trouble: null });
  const { model, medium, suffix: _, licence: __, ...rest } = askedOf(dataset, wanted);
  const asked = { ...rest, preset: medium, ...(model === "new" ? {} : { start: model }) };
  const text = JSON.stringify(asked);
  useEffect(() => {
    if (!whole) return setNow((was) => ({ ...was, asking: false }));
    const leave = new AbortController();
    setNow((was) => ({ ...was, asking: true }));
    const timer = setTimeout(() => {
      post<Plan>("/v1/plans", JSON.parse(text) as object, { signal: leave.signal }).then(
        (plan) => setNow({ plan, asking: false, wrong: null, trouble: null }),
        (error: Error) => {
          if (error.name === "AbortError") return;
          const refused = error instanceof Failed && error.status >= 400 && error.status < 500 && error.status !== 429;
          setNow((was) => ({ ...was, asking: false, wrong: refused ? error.message : null, trouble: refused ? null : error.message }));
        },
      );
    }, SOON);
    return () => {
      clearTimeout(timer);
      leave.abort();
    };
  }, [text, whole]);
  return now;
}

export function Planned({ plan: { plan, asking, wrong, trouble } }: { plan: Planning }) {
  return (
    <section class="panel stack train-plan" aria-label="Plan" aria-busy={asking}>
      <div class="row between"><h3>The plan</h3><span class="faint small" role="status">{asking ? "a few steps are tried…" : ""}</span></div>
      {trouble && <p class="notice warn">{trouble}</p>}
      {!plan && !asking && !trouble && !wrong && <p class="faint small">It is made once the settings are whole.</p>}
      {plan && (
        <>
          <dl class="train-facts">
            <Fact name="Time" value={duration(plan.seconds)} />
            <Fact name="Memory" value={bytes(plan.peak_bytes)} />
            <Fact name="Free" value={bytes(plan.free_bytes)} />
            <Fact name="Steps" value={count(plan.steps)} />
            <Fact name="A step" value={`${figure(1000 * plan.seconds_per_step)} ms`} />
            <Fact name="Weights" value={count(plan.parameters)} />
            <Fact name="Passes" value={figure(plan.epochs)} />
            <Fact name="On" value={plan.device} />
          </dl>
          <Expected quality={plan.quality} />
          <p class="small faint">
            {plan.judged ? "On the way it is judged on held-out items." : "It is not judged on the way."}
            {plan.previewed ? " Previews are shown as they are made." : ""}
          </p>
          {plan.notes.map((note) => <p key={note} class="notice warn small">{note}</p>)}
        </>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return <div><dt>{name}</dt><dd class="number">{value}</dd></div>;
}
