// One training: how far it is, its curves and previews as they come, what is to be done with it, how
// it ended, and how good its model is.
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { useAsked } from "../api/asked";
import { part, post, remove } from "../api/client";
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { bytes, count, duration, figure, when } from "../look/numbers";
import { Cloth, Weave } from "../look/Weave";
import { tell } from "../shell/notices";
import { go, to } from "../shell/router";
import { Curves } from "./Curves";
import { Film } from "./Film";
import { useLog } from "./following";
import { curvesOf, paceOf } from "./measures";
import { Quality } from "./Quality";
import { useWeaves } from "./weaves";
import { LIVE, type State, STATES, type Told, type Training } from "./told";

export function RunPage({ name }: { name: string }) {
  const run = useAsked<Training>(`/v1/trainings/${part(name)}`, 1.5);
  const live = run.data ? LIVE.includes(run.data.state) : true;
  const log = useLog(name, live);
  const curves = useMemo(() => curvesOf(name, log.events), [log.events]);
  if (run.error && !run.data) return <Missing name={name} error={run.error} />;
  if (!run.data) return <p class="faint" aria-busy="true">Loading…</p>;
  return (
    <div class="stack">
      <Head run={run.data} events={log.events} again={run.again} />
      {(run.error ?? log.trouble) && live && <p class="notice warn" role="status">{String(run.error?.message ?? log.trouble)} It is asked again by itself; the training does not depend on this page.</p>}
      <Ending run={run.data} events={log.events} />
      <div class="train-pair">
        <div class="panel"><Curves curves={curves} label={name} /></div>
        <Film training={name} events={log.events} />
      </div>
      {run.data.model && !live && <Quality model={name} />}
    </div>
  );
}

function Missing({ name, error }: { name: string; error: Error }) {
  return (
    <div class="empty">
      <h1>{name}</h1>
      <p class="notice bad">{error.message}</p>
      <a class="button" href={to("train")}>All trainings</a>
    </div>
  );
}

function Head({ run, events, again }: { run: Training; events: Told[]; again: () => void }) {
  const state = STATES[run.state];
  const pace = paceOf(events);
  const [step, steps] = [Math.max(run.step, pace.step), run.steps || pace.steps];
  const running = run.state === "running";
  const weave = useWeaves(Number(run.model))(run.id);
  return (
    <header class="stack">
      <div class="row">
        <Weave of={weave} size={48} />
        <div class="fill">
          <h1 class="train-name">{run.id}</h1>
          <span class="faint small">{[run.medium, when(run.begun), run.job ? "" : "begun on the command line"].filter(Boolean).join(" · ")}</span>
        </div>
        <span class={`tag ${state.tag}`} role="status">{state.name}</span>
      </div>
      <Cloth of={weave} value={steps ? Math.min(1, step / steps) : null} label="How far the training is" />
      <dl class="train-facts">
        <Fact name="Step">{count(step)} of {count(steps || null)}</Fact>
        <Fact name="Speed">{running && pace.perSecond ? `${figure(pace.perSecond)} steps/s` : "–"}</Fact>
        <Fact name="Trained for">{duration(pace.seconds)}</Fact>
        <Fact name="Time left">{running ? duration(pace.left) : "–"}</Fact>
        <Fact name="Memory">{bytes(run.memory)}</Fact>
        <Fact name="Weights">{count(run.parameters)}</Fact>
      </dl>
      <Acts run={run} again={again} />
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd class="number">{children}</dd></div>;
}

const PAUSES: State[] = ["queued", "preparing", "running"];
const RESUMES: State[] = ["paused", "stopped", "cancelled"];

function Acts({ run, again }: { run: Training; again: () => void }) {
  const [asking, setAsking] = useState(false);
  const act = (what: string, said: string) => async () => {
    await post(`/v1/trainings/${part(run.id)}/${what}`);
    tell(said);
    again();
  };
  async function forget() {
    await remove(`/v1/trainings/${part(run.id)}`);
    go("train");
  }
  const begun = run.state === "running";
  return (
    <div class="row">
      {PAUSES.includes(run.state) && <Button act={act("pause", "It pauses after this step; its state is kept.")}>Pause</Button>}
      {RESUMES.includes(run.state) && <Button kind="first" act={act("resume", "It goes on from where it stood.")}>Resume</Button>}
      {begun && <Button act={act("end", "It ends after this step and keeps the best so far.")}>Stop and keep the best</Button>}
      {run.job && PAUSES.includes(run.state) && <Button kind="danger" act={act("cancel", "It is cancelled; Resume goes on from its last step.")}>Cancel</Button>}
      {run.model && <a class="button first" href={to("generate", [], { model: run.id })}>Generate with it</a>}
      {run.model && <a class="button" href={to("models", [run.id])}>The model</a>}
      {run.model && <a class="button" href={to("train", [], { start: run.id })}>Go on from it</a>}
      {!PAUSES.includes(run.state) && <Button kind="quiet" act={() => setAsking(true)}>Forget…</Button>}
      {asking && (
        <Dialog title="Forget this training" close={() => setAsking(false)}>
          <p>Its checkpoint, curves and previews are deleted. {run.model ? "The model stays." : "It left no model: nothing remains."}</p>
          <div class="row"><Button kind="danger" act={forget}>Delete them</Button></div>
        </Dialog>
      )}
    </div>
  );
}

/** How it ended, or what it says on the way, in its own words. */
function Ending({ run, events }: { run: Training; events: Told[] }) {
  const done = events.findLast((one) => one.kind === "done");
  const failed = events.findLast((one) => one.kind === "failed");
  const warned = events.findLast((one) => one.kind === "guard" && typeof one.told === "string");
  const early = done && run.steps > done.step;
  const why = run.state === "failed" ? run.error?.message ?? failed?.told : null;
  return (
    <>
      {run.state === "failed" && <p class="notice bad">{String(why ?? "It failed, and left no word of why.")}</p>}
      {run.state === "finished" && done && (
        <p class={`notice ${early ? "warn" : "good"}`}>
          {early
            ? `It ended at step ${count(done.step)} of ${count(run.steps)}: ${done.ended || "nothing got better any more"}. The best weights were kept.`
            : `It took all its ${count(done.step)} steps in ${duration(Number(done.seconds))}.`}
        </p>
      )}
      {run.state !== "finished" && run.state !== "failed" && warned && <p class="notice warn">Step {count(warned.step)}: {String(warned.told)}</p>}
      {(run.state === "stopped" || run.state === "paused") && (
        <p class="notice">Its state is kept at step {count(run.step)}. On the command line: <code>genloom train {run.medium} DATA --out '{run.id}' --resume</code></p>
      )}
    </>
  );
}
