// Two tabs changed the same settings: what differs, side by side, and the choice; neither is lost
// before it is made.
import { Button } from "../look/Button";
import type { Conflict } from "./draft";

export function Conflicted({ conflict, settle }: { conflict: Conflict; settle: (mine: boolean) => void }) {
  return (
    <div class="notice warn stack" role="alert">
      <p>These settings were saved in another tab meanwhile. Nothing is saved from here until you choose.</p>
      <table class="rows">
        <thead><tr><th scope="col">Setting</th><th scope="col">Here</th><th scope="col">Saved there</th></tr></thead>
        <tbody>
          {conflict.fields.map((name) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{String(conflict.mine[name as keyof typeof conflict.mine] || "–")}</td>
              <td class="number">{String(conflict.theirs[name as keyof typeof conflict.theirs] || "–")}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="row">
        <Button kind="first" act={() => settle(true)}>Keep what is here</Button>
        <Button act={() => settle(false)}>Take what was saved</Button>
      </div>
    </div>
  );
}
