// Whether a thing is what its record says: found out by the server when one asks.
import { useState } from "preact/hooks";
import { get, part } from "../api/client";
import { Button } from "../look/Button";

interface Check {
  validation_state: "valid" | "invalid" | "not_present";
  intact: boolean;
  content: boolean;
  place: string | null;
  licence: string | null;
  model_at_hand: boolean;
  faults: string[];
  record: Record<string, unknown> | null;
}

const SAYS: Record<Check["validation_state"], [kind: string, text: string]> = {
  valid: ["good", "It is what its record says: neither was changed since it was made."],
  invalid: ["bad", "It is not what its record says."],
  not_present: ["warn", "There is no record of how it was made."],
};

export function Provenance({ id }: { id: string }) {
  const [check, setCheck] = useState<Check | null>(null);
  async function look() {
    const { results } = await get<{ results: Check[] }>(`/v1/assets/${part(id)}/provenance`);
    setCheck(results[0] ?? null);
  }
  return (
    <section class="gallery-part" aria-labelledby="gallery-provenance">
      <div class="row between">
        <h3 id="gallery-provenance">Where it comes from</h3>
        {!check && <Button act={look}>Check the record</Button>}
      </div>
      <div role="status">{check && <Verdict check={check} />}</div>
    </section>
  );
}

function Verdict({ check }: { check: Check }) {
  const [kind, text] = SAYS[check.validation_state];
  return (
    <div class="stack">
      <div class={`notice ${kind}`}>{text}{check.faults.map((fault) => <div key={fault}>{fault}</div>)}</div>
      {check.record && (
        <>
          <p class="small faint">
            The record lies {check.place === "inside" ? "inside the file" : "beside the file"}. It has no key: it shows that something was changed, not by whom.
            {check.model_at_hand ? " The same weights were served here." : " These weights were not served here."}
            {check.licence && check.licence !== "unknown" ? ` Licence of the training data: ${check.licence}.` : ""}
          </p>
          <details>
            <summary class="small">The whole record</summary>
            <pre class="gallery-record small" tabIndex={0}>{JSON.stringify(check.record, null, 1)}</pre>
          </details>
        </>
      )}
    </div>
  );
}
