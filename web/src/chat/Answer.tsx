// What a model said: its text, what it thought, the tools it calls, how fast it was, and how sure.
import { useState } from "preact/hooks";
import { Button } from "../look/Button";
import { count } from "../look/numbers";
import { Weave } from "../look/Weave";
import { Calls } from "./Calls";
import { Certainty } from "./Certainty";
import type { Turn } from "./chats";
import { Selvedge } from "../look/Selvedge";
import { Siblings } from "./Siblings";
import type { Talk } from "./talk";
import { copied } from "./text/Code";
import { Markdown } from "./text/Markdown";

const REASONS: Record<string, string> = {
  length: "It reached the longest answer that was asked for.",
  stopped: "It was stopped.",
  interrupted: "The server was stopped while it was made. What there was of it was kept.",
};

export function Answer({ talk, id, last }: { talk: Talk; id: string; last: boolean }) {
  const turn = talk.turns.get(id)!.value;
  const [sure, setSure] = useState(false);
  const live = turn.status === "in_progress";
  const cut = turn.status === "incomplete" || turn.status === "failed";
  return (
    <article class="chat-answer" aria-label="Answer" aria-busy={live}>
      <Selvedge of={turn.weights || turn.model || "none"} />
      <h2 class="visually-hidden">Answer of {turn.model ?? "a model"}</h2>
      <header class="row">
        <Weave of={turn.weights || turn.model || "none"} size={20} />
        <b class="cut">{turn.model}</b>
        {live && <span class="tag">writing</span>}
        {cut && <span class={`tag ${turn.status === "failed" ? "bad" : "warn"}`}>{turn.text || turn.reasoning ? "partial" : "failed"}</span>}
        <Measures turn={turn} />
      </header>
      {turn.reasoning && (
        <details class="chat-thought" open={live && !turn.text}>
          <summary>What it thought</summary>
          <div class="chat-plain">{turn.reasoning}</div>
        </details>
      )}
      {sure ? <Certainty talk={talk} turn={turn} /> : <Markdown text={turn.text} done={!live} />}
      {live && !turn.text && !turn.reasoning && <p class="faint">Waiting for the first word…</p>}
      {turn.calls?.length ? <Calls talk={talk} turn={turn} open={last && !live} /> : null}
      {cut && <p class={turn.error ? "notice bad small" : "small faint"}>{turn.error?.message ?? REASONS[turn.reason ?? ""] ?? ""}</p>}
      {!live && (
        <footer class="row">
          <Siblings talk={talk} id={id} />
          {cut && last && !turn.calls?.length && (turn.text || turn.reasoning) && <Button kind="quiet" act={() => talk.goOn(id)}>Continue</Button>}
          <Button kind="quiet" act={() => talk.say(turn.parent, [])}>Answer again</Button>
          <Button kind="quiet" act={() => copied(turn.text)}>Copy</Button>
          {turn.measured && <Button kind="quiet" aria-pressed={sure} act={() => setSure(!sure)}>Certainty</Button>}
        </footer>
      )}
    </article>
  );
}

function Measures({ turn }: { turn: Turn }) {
  const { usage, timing } = turn;
  if (!usage?.made || !timing) return <span class="fill" />;
  const writing = timing.seconds - (timing.first ?? 0);
  const speed = usage.made > 1 && writing > 0 ? (usage.made - 1) / writing : null;
  return (
    <span class="fill chat-measures number">
      {count(usage.made)} tokens{speed !== null && ` · ${speed.toFixed(1)}/s`}{timing.first !== undefined && ` · first after ${timing.first.toFixed(2)} s`}
    </span>
  );
}
