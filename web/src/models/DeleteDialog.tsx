// Deleting a model, once its name is typed: there is no way back.
import { useState } from "preact/hooks";
import { part, remove } from "../api/client";
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { Field } from "../look/Field";
import { bytes } from "../look/numbers";
import { tell } from "../shell/notices";
import { go } from "../shell/router";
import type { Card } from "./told";

export function DeleteDialog({ card, close }: { card: Card; close: () => void }) {
  const [typed, setTyped] = useState("");
  const children = card.lineage.edges.filter((edge) => edge.parent === card.id).map((edge) => edge.child);
  async function act() {
    await remove(`/v1/models/${part(card.id)}`);
    tell(`${card.id} is deleted`, "good");
    close();
    go("models");
  }
  return (
    <Dialog title={`Delete ${card.id}?`} close={close}>
      <p>Its {bytes(card.size.bytes + card.size.beside)} go from this machine, with all that its training left. What it made stays. There is no way back.</p>
      {children.length > 0 && <p class="notice warn">Made from it: {children.join(", ")}. Those that are an adapter beside it will not load any more.</p>}
      <Field name={`Type ${card.id} to delete it`}>
        {(tied) => <input {...tied} class="input" autocomplete="off" spellcheck={false} value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />}
      </Field>
      <div class="row">
        <Button kind="danger" disabled={typed !== card.id} act={act}>Delete</Button>
        <Button act={close}>Keep it</Button>
      </div>
    </Dialog>
  );
}
