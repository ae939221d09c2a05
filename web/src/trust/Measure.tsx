// Measuring a model now, in a process of its own: asked for, followed, cancelled.
import { useEffect, useState } from "preact/hooks";
import { post } from "../api/client";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { duration, when } from "../look/numbers";
import { Cloth } from "../look/Weave";
import { said } from "../shell/notices";
import type { Evaluation } from "./told";

export interface MeasureProps {
  model: string;
  weave: string;
  /** Called once a measurement has ended well. */
  done: () => void;
}

export function Measure({ model, weave, done }: MeasureProps) {
  const [live, setLive] = useState(false);
  const path = `/v1/evaluations?limit=1&model=${encodeURIComponent(model)}`;
  const found = useAsked<{ data: Evaluation[] }>(path, live ? 1 : 0);
  const last = found.data?.data[0];
  const running = last?.status === "queued" || last?.status === "in_progress";
  useEffect(() => {
    if (live && !running && last?.status === "completed") done();
    setLive(running);
  }, [running, last?.id, last?.status]);
  async function begin() {
    await post("/v1/evaluations", { model });
    setLive(true);
    found.again();
  }
  if (found.error) return <p class="notice warn">Measuring is not open to this key: {said(found.error)}</p>;
  return (
    <section class="panel selvedge stack trust-measure" aria-label="Measuring">
      <div class="row between">
        <p class="fill">
          {running
            ? <Stage last={last!} />
            : "Measures the model on the data that was held out of its training, as genloom eval does. It may take minutes; requests that are answered come first."}
        </p>
        {running
          ? <Button kind="danger" act={async () => { await post(`/v1/evaluations/${last!.id}/cancel`); found.again(); }}>Cancel</Button>
          : <Button kind="first" act={begin} disabled={!found.data}>Measure now</Button>}
      </div>
      {running && <Cloth of={weave} value={null} label="Measuring; how long it takes is not known" />}
      {last && !running && <Outcome last={last} />}
    </section>
  );
}

function Stage({ last }: { last: Evaluation }) {
  if (last.status === "queued") return <span role="status">Waiting for its turn.</span>;
  const since = last.started_at ? Date.now() / 1000 - last.started_at : 0;
  const stage = last.stages[last.stages.length - 1] ?? "starting";
  return (
    <span>
      <span role="status">{`Stage ${last.stages.length || 1}: ${stage}`}</span>{" "}
      <span class="number faint">{duration(since)}</span>
    </span>
  );
}

const ENDS: Record<string, string> = { completed: "Measured", failed: "Failed", cancelled: "Cancelled" };

function Outcome({ last }: { last: Evaluation }) {
  const took = last.ended_at && last.started_at ? `, took ${duration(last.ended_at - last.started_at)}` : "";
  return (
    <p class={last.status === "failed" ? "notice bad" : "faint small"}>
      {ENDS[last.status]} {when(last.ended_at)}{took}{last.error ? `: ${last.error.message}` : "."}
    </p>
  );
}
