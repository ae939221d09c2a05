// Asks before things go for good.
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { count } from "../look/numbers";
import { type Asset, titleOf } from "./assets";

export interface DeletingProps {
  assets: Asset[];
  remove: (assets: Asset[]) => Promise<void>;
  close: () => void;
}

export function Deleting({ assets, remove, close }: DeletingProps) {
  const one = assets.length === 1 ? assets[0] : undefined;
  return (
    <Dialog title={one ? "Delete this?" : `Delete ${count(assets.length)} things?`} close={close}>
      {one && <p class="gallery-said">{titleOf(one).slice(0, 300)}</p>}
      <p>The file and the record of how it was made go for good.</p>
      <div class="row">
        <Button kind="danger" act={() => remove(assets)}>Delete</Button>
        <Button act={close}>Keep</Button>
      </div>
    </Dialog>
  );
}
