// A model on its way in or out: how far it is, to its end; it can be stopped.
import { useEffect } from "preact/hooks";
import { post } from "../api/client";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { bytes } from "../look/numbers";
import { Cloth } from "../look/Weave";
import type { Transfer } from "./told";

const STAGES: Record<string, string> = {
  unpacking: "Unpacking",
  fetching: "Fetching",
  reading: "Reading the weights",
  saving: "Saving",
  writing: "Writing the weights",
  packing: "Packing",
};
export const OVER = ["completed", "failed", "cancelled"];

export interface MovingProps {
  path: string; // of the job
  weave: string;
  ended: (job: Transfer) => void;
}

export function Moving({ path, weave, ended }: MovingProps) {
  const job = useAsked<Transfer>(path, 0.7);
  const told = job.data;
  const over = told !== null && OVER.includes(told.status);
  useEffect(() => {
    if (told && over) ended(told);
  }, [over]);
  if (job.error) return <p class="notice bad">{job.error.message}</p>;
  if (!told || over) return <p class="faint" aria-busy={!over}>{over ? "" : "Beginning…"}</p>;
  const what = told.status === "queued" ? "Waits for its turn" : (STAGES[told.stage ?? ""] ?? "Beginning");
  const known = told.of !== null && told.of > 1;
  return (
    <div class="stack">
      <Cloth of={weave} value={told.progress / 100} label={`${what} ${told.model}`} />
      <div class="row between">
        <p><span role="status">{what}</span>{known && <span class="number faint"> {bytes(told.done)} of {bytes(told.of)}</span>}</p>
        <Button act={async () => { await post(`${path}/cancel`); job.again(); }}>Stop</Button>
      </div>
    </div>
  );
}
