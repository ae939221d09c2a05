// < 2/3 >: the turns that stand in each other's place, walked between.
import { Button } from "../look/Button";
import type { Talk } from "./talk";

export function Siblings({ talk, id }: { talk: Talk; id: string }) {
  const all = talk.beside(id);
  if (all.length < 2) return null;
  const at = all.indexOf(id);
  const step = (by: number) => () => talk.show(all[at + by]!);
  return (
    <span class="chat-siblings" role="group" aria-label="Branches">
      <Button kind="quiet" square aria-label="The branch before" disabled={at === 0} act={step(-1)}>‹</Button>
      <span class="number" aria-live="polite">{at + 1}/{all.length}</span>
      <Button kind="quiet" square aria-label="The next branch" disabled={at === all.length - 1} act={step(1)}>›</Button>
    </span>
  );
}
