// The branch that is looked at, turn by turn. A question can be put otherwise, which makes a branch.
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../look/Button";
import { Answer } from "./Answer";
import { Siblings } from "./Siblings";
import type { Talk } from "./talk";
import { copied } from "./text/Code";

const NEAR = 120; // pixels from the end at which one goes along with what is written

export function Thread({ talk }: { talk: Talk }) {
  const way = talk.way.value;
  const end = useRef<HTMLDivElement>(null);
  const near = useRef(true);
  useEffect(() => {
    const look = () => { near.current = document.documentElement.scrollHeight - innerHeight - scrollY < NEAR; };
    addEventListener("scroll", look, { passive: true });
    const watch = new ResizeObserver(() => near.current && scrollTo({ top: document.documentElement.scrollHeight }));
    if (end.current?.parentElement) watch.observe(end.current.parentElement);
    return () => { removeEventListener("scroll", look); watch.disconnect(); };
  }, [talk]);
  return (
    <div class="chat-thread">
      {way.map((id, n) => {
        const { role } = talk.turn(id);
        const last = n === way.length - 1;
        return role === "assistant" ? <Answer key={id} talk={talk} id={id} last={last} /> : <Question key={id} talk={talk} id={id} />;
      })}
      <div ref={end} />
    </div>
  );
}

function Question({ talk, id }: { talk: Talk; id: string }) {
  const turn = talk.turns.get(id)!.value;
  const [edited, setEdited] = useState<string | null>(null);
  const tool = turn.role === "tool";
  async function asked() {
    await talk.say(turn.parent, [{ role: "user", text: edited ?? "" }]);
    setEdited(null);
  }
  return (
    <article class={tool ? "chat-found" : "chat-question"} aria-label={tool ? "What the tool found" : "Question"}>
      <h2 class="visually-hidden">{tool ? "What the tool found" : "Question"}</h2>
      {tool && <p class="small faint">What the tool found</p>}
      {edited === null ? <div class="chat-plain">{turn.text}</div> : (
        <form class="stack" onSubmit={(event) => event.preventDefault()}>
          <textarea class="input" rows={3} autofocus aria-label="The question, put otherwise" value={edited} onInput={(event) => setEdited(event.currentTarget.value)} />
          <div class="row"><Button kind="first" disabled={!edited.trim()} act={asked}>Ask this instead</Button><Button act={() => setEdited(null)}>Leave it</Button></div>
        </form>
      )}
      {edited === null && (
        <footer class="row">
          <Siblings talk={talk} id={id} />
          {!tool && <Button kind="quiet" act={() => setEdited(turn.text)}>Edit</Button>}
          <Button kind="quiet" act={() => copied(turn.text)}>Copy</Button>
        </footer>
      )}
    </article>
  );
}
