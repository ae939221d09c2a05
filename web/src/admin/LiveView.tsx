// The engines as they work: memory, what runs and waits and whose it is, and loading by hand.
import { useEffect, useRef } from "preact/hooks";
import { post } from "../api/client";
import type { Model } from "../api/models";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { bytes, count, duration } from "../look/numbers";
import { Weave } from "../look/Weave";
import { Asking } from "./Asking";
import { type Live, type LiveModel, useNames } from "./told";

const OFTEN = 2; // seconds
const STATES: Record<string, string> = { up: "good", loading: "warn", down: "bad", failed: "bad" };

export function LiveView() {
  const live = useAsked<Live>("/v1/admin/live", OFTEN);
  const models = useAsked<{ data: Model[] }>("/v1/models");
  const pace = usePace(live.data);
  const names = useNames();
  return (
    <Asking asked={live}>
      {(now) => (
        <>
          <Facts now={now} />
          {now.unready.map((why) => <p key={why} class="notice bad">{why}</p>)}
          <ul class="admin-engines">
            {(models.data?.data ?? []).map((model) => (
              <Engine key={model.id} model={model} at={now.models.find((one) => one.id === model.id)}
                pace={pace(model.id)} names={names} again={live.again} />
            ))}
          </ul>
          {models.data?.data.length === 0 && <p class="faint">No model is offered.</p>}
        </>
      )}
    </Asking>
  );
}

function Facts({ now }: { now: Live }) {
  const jobs = ["in_progress", "queued", "paused"].map((one) => `${count(now.jobs[one] ?? 0)} ${one.replace("_", " ")}`);
  const facts = {
    up: duration(now.time - now.began),
    "requests under way": count(now.active),
    jobs: jobs.join(", "),
    "memory of the web process": bytes(now.memory),
    "memory free": bytes(now.memory_free),
    state: now.draining ? "shutting down" : now.unready.length ? "not ready" : "ready",
  };
  return (
    <dl class="admin-facts">
      {Object.entries(facts).map(([name, value]) => <div key={name}><dt>{name}</dt><dd class="number">{value}</dd></div>)}
    </dl>
  );
}

interface EngineProps {
  model: Model;
  at: LiveModel | undefined;
  pace: number | null;
  names: (owner: string) => string;
  again: () => void;
}

function Engine({ model, at, pace, names, again }: EngineProps) {
  const state = at?.state ?? "cold";
  const up = state === "up";
  const act = (verb: string) => async () => {
    await post(`/v1/admin/models/${verb}`, { model: model.id });
    again();
  };
  return (
    <li class="panel stack">
      <div class="row">
        <Weave of={model.weights || model.id} size={32} />
        <strong class="fill cut">{model.id}</strong>
        <span class={`tag ${STATES[state] ?? ""}`}>{state}</span>
      </div>
      {at && <EngineFacts at={at} pace={pace} names={names} />}
      <div class="row">
        {up
          ? <Button act={act("unload")} aria-label={`Unload ${model.id}`}>Unload</Button>
          : <Button act={act("load")} disabled={state === "loading"} aria-label={`Load ${model.id}`}>Load</Button>}
        {up && <Button act={act("swap")} aria-label={`Swap ${model.id} for what lies on disk`}>Swap</Button>}
      </div>
    </li>
  );
}

function EngineFacts({ at, pace, names }: { at: LiveModel; pace: number | null; names: (owner: string) => string }) {
  const { counts, host } = at;
  const whose = (told: Record<string, number>) => Object.entries(told).map(([owner, n]) => `${names(owner)} ${count(n)}`).join(", ");
  const all = (told: Record<string, number>) => Object.entries(told).map(([name, n]) => `${name} ${count(n)}`).join(", ");
  const facts: [string, string | null][] = [
    ["memory", at.memory ? bytes(at.memory) : null],
    ["running", `${count(at.running)}, ${count(at.streams)} of ${count(at.room)} places`],
    ["run for", whose(at.working) || null],
    ["waiting", count(at.queued)],
    ["wait for", whose(at.waiting) || null],
    ["tokens a second", pace === null ? null : pace.toFixed(1)],
    ["pages of memory", host.pages ? `${count(host.pages_used)} of ${count(host.pages)}` : null],
    ["loads, swaps, restarts", `${count(counts.loads)}, ${count(counts.swaps)}, ${count(counts.restarts)}`],
    ["loads that failed", counts.failed_loads ? count(counts.failed_loads) : null],
    ["ended", all(counts.outcomes) || null],
    ["refused", all(counts.refused) || null],
  ];
  return (
    <dl class="admin-facts tight">
      {facts.filter(([, value]) => value !== null).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

const WINDOW = 20; // seconds over which tokens are counted

/** Tokens a second of each model over the last moments; they are counted once a call has ended. */
function usePace(now: Live | null): (model: string) => number | null {
  const seen = useRef<Live[]>([]);
  useEffect(() => {
    if (now) seen.current = [...seen.current.filter((one) => now.time - one.time < WINDOW && one.began === now.began), now];
  }, [now]);
  return (model) => {
    const first = seen.current[0];
    if (!now || !first || first.time >= now.time) return null;
    return (made(now, model) - made(first, model)) / (now.time - first.time);
  };
}

function made(live: Live, model: string): number {
  return live.models.find((one) => one.id === model)?.counts.tokens.completion_tokens ?? 0;
}
