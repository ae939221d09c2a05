// Said beside a field in which something looks like a secret, before it goes anywhere; and the way to
// take it out.
import { useMemo } from "preact/hooks";
import { Button } from "../look/Button";
import { secretsIn, without } from "./secrets";

export function Secrets({ text, kept, set }: { text: string; kept: string; set: (text: string) => void }) {
  const found = useMemo(() => secretsIn(text), [text]);
  if (!found.length) return null;
  const what = [...new Set(found.map((one) => one.what))].join(", ");
  return (
    <div class="notice warn row small" role="status">
      <span class="fill">This looks like {what}. {kept}</span>
      <Button act={() => set(without(text, found))}>Take it out</Button>
    </div>
  );
}
