// What was found out about a file, in words: the record, whether it holds, and what it does not say.
import { bytes, when } from "../look/numbers";
import { Weave } from "../look/Weave";
import { to } from "../shell/router";
import type { Verdict } from "./told";

const HEADS = {
  valid: ["good", "As recorded", "The record is whole and the content is what it was sealed over."],
  invalid: ["bad", "Not as recorded", "There is a record, but it does not hold for this file."],
  not_present: ["warn", "No record", "No record of Genloom's was found. That says nothing of where the file comes from: a record can be cut off."],
} as const;
const SHOWN = ["prompt", "where", "seed", "number", "created", "genloom"];

export function Told({ name, size, verdict }: { name: string; size: number; verdict: Verdict }) {
  const [kind, head, about] = HEADS[verdict.validation_state];
  const record = verdict.record;
  return (
    <section class="panel stack" aria-label="What was found">
      <div class={`notice ${kind}`}>
        <h3>{head}</h3>
        <p>{about}</p>
      </div>
      <p class="faint small">{name}, {bytes(size)}</p>
      {verdict.faults.length > 0 && verdict.validation_state !== "not_present" && (
        <div>
          <h3>What does not hold</h3>
          <ul class="trust-faults">{verdict.faults.map((fault) => <li key={fault}>{fault}</li>)}</ul>
        </div>
      )}
      {record && <Recorded record={record} verdict={verdict} />}
      {verdict.validation_state === "valid" && (
        <p class="faint small">The seal has no key: it says that nothing was changed since, not who made it.</p>
      )}
    </section>
  );
}

function Recorded({ record, verdict }: { record: Record<string, unknown>; verdict: Verdict }) {
  const weights = typeof record.weights === "string" ? record.weights : "";
  const facts: [string, unknown][] = [
    ["record lies", verdict.place === "beside" ? "beside the file" : "inside the file"],
    ["record", verdict.intact ? "unchanged" : "changed since it was sealed"],
    ["content", verdict.content ? "the bytes it was sealed over" : "changed since it was sealed"],
    ["made", when(verdict.generated_at)],
    ["licence of the data", verdict.licence],
    ...SHOWN.filter((key) => key !== "created").map((key): [string, unknown] => [key, record[key]]),
    ["options", record.options],
    ["weights, SHA-256", weights],
  ];
  return (
    <div class="stack">
      <div class="row">
        {weights && <Weave of={weights} size={48} label="The cloth of the weights that the record names" />}
        <div class="fill">
          <strong>{verdict.model ?? "a model that is not named"}</strong>
          <p class="faint small">
            {!verdict.intact && "All of this is what the changed record says; none of it can be relied on. "}
            {verdict.model_at_hand ? "A model with these weights is here." : "No model with these weights has answered here yet."}
          </p>
        </div>
        {verdict.model_at_hand && verdict.model && (
          <a class="button" href={to("trust", ["reports", verdict.model.split(/[/\\]/).pop()!])}>Its report</a>
        )}
      </div>
      <dl class="trust-facts">
        {facts.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([key, value]) => (
          <div key={key}><dt>{key}</dt><dd>{typeof value === "string" ? value : <code>{JSON.stringify(value)}</code>}</dd></div>
        ))}
      </dl>
    </div>
  );
}
