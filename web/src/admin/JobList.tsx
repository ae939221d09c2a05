// Work of every kind and everybody: how it stands, and ending it.
import { useState } from "preact/hooks";
import { post } from "../api/client";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { Field } from "../look/Field";
import { duration, when } from "../look/numbers";
import { Cloth } from "../look/Weave";
import { Asking } from "./Asking";
import { type Job, useNames } from "./told";

const STATUSES = ["", "queued", "in_progress", "paused", "completed", "failed", "cancelled"];
const KINDS: Record<string, string> = { good: "completed", bad: "failed", warn: "paused" };
const OVER = new Set(["completed", "failed", "cancelled"]);
const STEP = 50;

export function JobList() {
  const [status, setStatus] = useState("");
  const [limit, setLimit] = useState(STEP);
  const jobs = useAsked<{ data: Job[]; has_more: boolean }>(`/v1/admin/jobs?limit=${limit}${status && `&status=${status}`}`, 3);
  const names = useNames();
  return (
    <div class="stack">
      <Field name="Which">
        {(tied) => (
          <select {...tied} class="input admin-narrow" value={status} onChange={(e) => setStatus(e.currentTarget.value)}>
            {STATUSES.map((one) => <option key={one} value={one}>{one ? one.replace("_", " ") : "all"}</option>)}
          </select>
        )}
      </Field>
      <Asking asked={jobs}>
        {({ data, has_more }) => (
          <>
            {data.length === 0 && <p class="faint">There is no such job.</p>}
            <ul class="admin-jobs">
              {data.map((job) => <OneJob key={job.id} job={job} owner={names(job.owner)} again={jobs.again} />)}
            </ul>
            {has_more && limit < 100 && <Button act={() => setLimit(100)}>More</Button>}
          </>
        )}
      </Asking>
    </div>
  );
}

function OneJob({ job, owner, again }: { job: Job; owner: string; again: () => void }) {
  const mark = Object.keys(KINDS).find((kind) => KINDS[kind] === job.status) ?? "";
  const took = job.started && (job.ended ?? Date.now() / 1000) - job.started;
  return (
    <li class="panel">
      <div class="row">
        <div class="fill">
          <strong>{job.kind.replace("_", " ").replace(":", ": ")}</strong> {job.model && <span>{job.model}</span>}
          <p class="faint small">
            for {owner}, asked {when(job.created)}{took ? `, ${duration(took)}` : ""} <code>{job.id}</code>
          </p>
        </div>
        <span class={`tag ${mark}`}>{job.status.replace("_", " ")}</span>
        {!OVER.has(job.status) && (
          <Button kind="danger" aria-label={`Cancel ${job.id}`}
            act={async () => { await post(`/v1/admin/jobs/${encodeURIComponent(job.id)}/cancel`); again(); }}>
            Cancel
          </Button>
        )}
      </div>
      {job.status === "in_progress" && (
        <Cloth of={job.model ?? job.id} value={job.progress > 0 ? job.progress / 100 : null} label={`Progress of ${job.id}`} />
      )}
      {job.error && <p class="notice bad small">{job.error.message}</p>}
    </li>
  );
}
