// Whatever no viewer knows: what it is called, how large it is, and a way to keep it.
import { Button } from "../look/Button";
import { bytes } from "../look/numbers";
import { save } from "./bytes";
import type { View } from "./kinds";

export default function Other({ blob, media, name }: View) {
  return (
    <div class="viewer-other row">
      <span class="fill">
        <b>{name}</b><br />
        <span class="faint small">{media || "of an unknown kind"}, <span class="number">{bytes(blob.size)}</span>. It cannot be shown here.</span>
      </span>
      <Button act={() => save(blob, name)}>Save</Button>
    </div>
  );
}
