// Who changed what: the lines that the database itself refuses to change.
import { useState } from "preact/hooks";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { when } from "../look/numbers";
import { Asking } from "./Asking";
import { useNames } from "./told";

interface Entry {
  number: number;
  time: number;
  actor: string;
  action: string;
  subject: string;
  detail: Record<string, unknown>;
}

const STEP = 100;
const MOST = 1000;

export function Audit() {
  const [limit, setLimit] = useState(STEP);
  const [before, setBefore] = useState<number[]>([]);
  const last = before[before.length - 1];
  const audit = useAsked<{ data: Entry[] }>(`/v1/admin/audit?limit=${limit}${last ? `&before=${last}` : ""}`);
  const names = useNames();
  return (
    <Asking asked={audit}>
      {({ data }) => (
        <>
          <p class="faint small">Everything that changed something, the newest first. A line is never changed and never goes.</p>
          <div class="scroll-x" tabIndex={0} role="group" aria-label="Audit log">
            <table class="rows admin-table">
              <thead><tr><th>Time</th><th>Who</th><th>What</th><th>To</th><th>More</th></tr></thead>
              <tbody>
                {data.map((line) => (
                  <tr key={line.number}>
                    <td>{when(line.time)}</td>
                    <td>{names(line.actor)}</td>
                    <td>{line.action}</td>
                    <td class="admin-wrap"><code>{line.subject}</code></td>
                    <td class="admin-wrap faint">{told(line.detail)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {data.length === 0 && <p class="faint">Nothing was changed.</p>}
          <div class="row">
            {before.length > 0 && <Button act={() => setBefore(before.slice(0, -1))}>Newer</Button>}
            {data.length === limit && <Button act={() => setBefore([...before, data[data.length - 1]!.number])}>Older</Button>}
            {data.length === limit && limit < MOST && <Button act={() => setLimit(MOST)}>Longer pages</Button>}
          </div>
        </>
      )}
    </Asking>
  );
}

function told(detail: Record<string, unknown>): string {
  const kept = Object.entries(detail).filter(([, value]) => value !== "" && value !== null);
  return kept.map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
}
