// How good the model is on what it never saw: the table that `genloom eval` prints, with something
// trivial (floor) and real data (ceiling) beside each number.
import { useAsked } from "../api/asked";
import { post } from "../api/client";
import { Button } from "../look/Button";
import { figure } from "../look/numbers";

interface Row {
  metric: string;
  value: number | null;
  floor: number | null;
  ceiling: number | null;
  better: "higher" | "lower";
  note: string;
}

interface Measured {
  id: string;
  status: string;
  stages: (string | { stage: string })[];
  report: { rows: Row[] } | null;
  error: { message: string } | null;
}

export function Quality({ model }: { model: string }) {
  const path = `/v1/evaluations?${new URLSearchParams({ model, limit: "1" })}`;
  const asked = useAsked<{ data: Measured[] }>(path, 2);
  const last = asked.data?.data[0];
  const busy = last?.status === "queued" || last?.status === "in_progress";
  const measure = async () => {
    await post("/v1/evaluations", { model });
    asked.again();
  };
  return (
    <section class="panel stack" aria-label="Quality">
      <div class="row between">
        <h2>On what it never saw</h2>
        {!busy && <Button kind={last?.report ? "plain" : "first"} act={measure}>{last?.report ? "Measure again" : "Measure"}</Button>}
      </div>
      {busy && <p class="faint" role="status" aria-busy="true">{stageOf(last)}</p>}
      {last?.error && <p class="notice bad">{last.error.message}</p>}
      {last?.report ? <Table rows={last.report.rows} /> : !busy && <p class="faint">Not measured yet. It makes items and compares them with those that were held out.</p>}
    </section>
  );
}

function stageOf(one: Measured): string {
  const stage = one.stages.at(-1);
  return stage ? `${typeof stage === "string" ? stage : stage.stage}…` : "It waits for its turn.";
}

function Table({ rows }: { rows: Row[] }) {
  return (
    <div class="scroll-x">
      <table class="rows">
        <thead><tr><th scope="col">Measure</th><th scope="col" class="number">Model</th><th scope="col" class="number">Floor</th><th scope="col" class="number">Ceiling</th><th scope="col">Better</th><th scope="col">What floor and ceiling are</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.metric}>
              <th scope="row">{row.metric.replaceAll("_", " ")}</th>
              <td class="number"><b>{figure(row.value)}</b></td>
              <td class="number">{figure(row.floor)}</td>
              <td class="number">{figure(row.ceiling)}</td>
              <td>{row.better}</td>
              <td class="faint small train-note">{row.note}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
