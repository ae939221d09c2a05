// A data set on its way to a training: what was understood of it, the settings, the plan, and the one
// button that begins.
import { useState } from "preact/hooks";
import { useAsked } from "../api/asked";
import { part, remove } from "../api/client";
import { Button } from "../look/Button";
import { Cloth, Weave } from "../look/Weave";
import { go, place, to } from "../shell/router";
import { first } from "./draft";
import { Settle } from "./Settle";
import type { Dataset } from "./told";
import { Understood } from "./Understood";

export function Prepare({ id }: { id: string }) {
  const [often, setOften] = useState(1);
  const asked = useAsked<Dataset>(`/v1/datasets/${part(id)}`, often);
  const of = asked.data;
  const wait = of?.status === "looking" ? 1 : 0;
  if (of && wait !== often) setOften(wait);
  if (asked.error && !of) return <Gone error={asked.error} />;
  if (!of) return <p class="faint" aria-busy="true">Loading…</p>;
  async function drop() {
    await remove(`/v1/datasets/${part(id)}`);
    go("train");
  }
  return (
    <div class="stack">
      <header class="row between">
        <div class="row fill">
          <Weave of={of.id} size={40} />
          <div class="fill">
            <h1 class="train-name"><bdi>{of.name}</bdi></h1>
            <span class="faint small cut">{of.path ?? "uploaded"}</span>
          </div>
        </div>
        <Button kind="quiet" act={drop}>{of.path ? "Leave it" : "Delete the upload"}</Button>
      </header>
      {of.status === "looking" && <Looking of={of} />}
      {of.status === "failed" && (
        <div class="empty">
          <p class="notice bad">{of.error?.message}</p>
          <a class="button" href={to("train")}>Give other data</a>
        </div>
      )}
      {of.status === "ready" && of.found && (
        <div class="train-pair prepare">
          <Understood of={of} found={of.found} again={asked.again} />
          {first(of.found, null).preset
            ? <Settle key={of.found.medium} of={of} found={of.found} start={place.value.query.get("start")} />
            : <p class="notice warn">No preset learns from {of.found.medium} yet.</p>}
        </div>
      )}
    </div>
  );
}

function Looking({ of }: { of: Dataset }) {
  return (
    <div class="panel stack" role="status" aria-busy="true">
      <h2>Reading it</h2>
      <Cloth of={of.id} value={null} label="The data is read; how long it takes is not known" />
      <p class="faint">Items are counted, compared with each other and tried by a reader. This page may be closed meanwhile.</p>
    </div>
  );
}

function Gone({ error }: { error: Error }) {
  return (
    <div class="empty">
      <h1>Not here</h1>
      <p class="notice bad">{error.message}</p>
      <a class="button" href={to("train")}>All trainings</a>
    </div>
  );
}
