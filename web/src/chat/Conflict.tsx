// Two tabs changed the same: both values side by side, and one chooses. Nothing was overwritten.
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import type { Differing, Fields } from "./chats";

export interface ConflictProps {
  found: Differing;
  keep: () => Promise<void>;
  take: () => Promise<void>;
  close: () => void;
}

export function Conflict({ found, keep, take, close }: ConflictProps) {
  return (
    <Dialog title="Changed in another tab" wide close={close}>
      <p>While this was edited here, somebody changed the same elsewhere. Nothing is lost yet.</p>
      <div class="scroll-x">
        <table class="rows chat-differs">
          <thead><tr><th>What</th><th>Here</th><th>There</th></tr></thead>
          <tbody>
            {(Object.keys(found.differs) as (keyof Fields)[]).map((name) => (
              <tr key={name}><th scope="row">{name}</th><td><pre>{shown(found.differs[name]?.yours)}</pre></td><td><pre>{shown(found.differs[name]?.theirs)}</pre></td></tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="row">
        <Button kind="first" act={keep}>Keep what is here</Button>
        <Button act={take}>Take what is there</Button>
      </div>
    </Dialog>
  );
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
