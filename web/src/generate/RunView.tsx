// A run: what was asked of which model, how far it is as cloth, and its things in the order of their
// seeds.
import { Button } from "../look/Button";
import { Cloth, Weave } from "../look/Weave";
import type { Real } from "../viewers/real";
import { Result, type ResultProps } from "./Result";
import { forget, type Run } from "./runs";

const STEPS = 120; // in which the cloth is woven

export interface RunViewProps extends Pick<ResultProps, "again" | "vary" | "edit"> {
  run: Run;
  real?: Real[];
  goOn: (run: Run) => void;
}

export function RunView({ run, real, goOn, ...acts }: RunViewProps) {
  const state = run.state.value;
  const { prompt, where } = run.body;
  const wish = [prompt, where && `where ${String(where)}`].filter(Boolean).map(String).join(", ");
  const busy = state === "making" || state === "waiting";
  const partial = !busy && run.missing.length > 0;
  return (
    <section class="generate-run stack" aria-label={`${run.model}: ${wish || "no prompt"}`} data-state={state}>
      <div class="row generate-runhead">
        <Weave of={run.weights || run.model} size={24} />
        <span class="fill cut"><b>{run.model}</b> <span class="faint">{wish}</span></span>
        {busy && <Button act={() => run.leave?.abort()}>Stop <kbd>Esc</kbd></Button>}
        {!busy && <Button kind="quiet" square aria-label="Take this off the page" title="Take this off the page; what is made stays in the gallery" act={() => forget(run)}>✕</Button>}
      </div>
      {busy && <Progress run={run} />}
      {partial && (
        <div class={`notice row ${run.error ? "bad" : "warn"}`} role="status">
          <span class="fill">{sentence(run.error ?? "stopped")} What came is kept here, marked as partial. The same seed makes the same, so nothing is lost.</span>
          <Button act={() => goOn(run)}>Go on</Button>
        </div>
      )}
      <div class={`generate-items${run.items.length === 1 ? " one" : ""}`}>
        {run.items.map((item) => <Result key={item.index} run={run} item={item} real={real} {...acts} />)}
      </div>
    </section>
  );
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

function Progress({ run }: { run: Run }) {
  run.turn.value;
  const share = run.share === null ? null : Math.round(STEPS * run.share) / STEPS;
  return <Cloth of={run.weights || run.model} value={share} label={`How much of it is made by ${run.model}`} />;
}
