// How sure the model was of each token: its ground says it in five steps, and the likeliest others stand
// beside the one that is looked at. Arrow keys walk from token to token.
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../look/Button";
import { tell } from "../shell/notices";
import { type Chance, chances, type Turn } from "./chats";
import type { Talk } from "./talk";

const PAGE = 1500; // tokens shown at once
const STEPS = [0.9, 0.6, 0.3, 0.1];

/** 0: sure, 4: a guess; null: not measured. */
function step(logprob: number | null): number | null {
  if (logprob === null) return null;
  const p = Math.exp(logprob);
  const at = STEPS.findIndex((least) => p >= least);
  return at < 0 ? STEPS.length : at;
}

export function Certainty({ talk, turn }: { talk: Talk; turn: Turn }) {
  const [all, setAll] = useState<Chance[] | null>(talk.heard.get(turn.id) ?? null);
  const [most, setMost] = useState(PAGE);
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!all) chances(talk.id, turn.id).then((found) => setAll(found.data), tell);
  }, [turn.id]);
  function moved(event: KeyboardEvent) {
    const by = { ArrowRight: 1, ArrowLeft: -1, Home: -at, End: Math.min(most, all?.length ?? 0) - 1 - at }[event.key];
    if (by === undefined || !all) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(Math.min(most, all.length) - 1, at + by));
    setAt(next);
    list.current?.querySelector<HTMLElement>(`[data-n="${next}"]`)?.focus();
  }
  if (!all) return <p class="faint" aria-busy="true">Loading…</p>;
  const one = all[at];
  return (
    <div class="stack">
      <div ref={list} class="chat-plain chat-tokens" role="listbox" aria-label="Tokens" aria-orientation="horizontal" onKeyDown={moved}>
        {all.slice(0, most).map(([token, logprob], n) => (
          <span key={n} data-n={n} role="option" aria-selected={n === at} tabIndex={n === at ? 0 : -1} class={`chat-sure-${step(logprob) ?? "no"}`}
            aria-label={`${token.trim() || "blank"}, ${percent(logprob)}`} onClick={() => setAt(n)} onFocus={() => setAt(n)}>{token}</span>
        ))}
      </div>
      {all.length > most && <div><Button act={() => setMost(most + PAGE)}>Show {Math.min(PAGE, all.length - most)} more tokens</Button></div>}
      {one && (
        <div class="chat-weighed"><table class="rows chat-others" aria-label="What the model weighed here">
          <caption class="small faint">Token {at + 1} of {all.length}: <code>{visible(one[0])}</code> {percent(one[1])}</caption>
          <tbody>
            {one[2].map(([token, logprob], n) => (
              <tr key={n}><td><code>{visible(token)}</code></td><td class="number">{percent(logprob)}</td><td><meter min={0} max={1} value={Math.exp(logprob)} aria-label={`Probability of ${visible(token)}`} /></td></tr>
            ))}
          </tbody>
        </table></div>
      )}
      <p class="row small" aria-hidden="true">
        {["over 90 %", "over 60 %", "over 30 %", "over 10 %", "less"].map((name, n) => <span key={n} class={`chat-sure-${n} chat-key`}>{name}</span>)}
      </p>
    </div>
  );
}

function percent(logprob: number | null): string {
  if (logprob === null) return "not measured";
  const p = 100 * Math.exp(logprob);
  return p >= 0.1 ? `${p.toFixed(1)} %` : "under 0.1 %";
}

function visible(token: string): string {
  return token.replace(/\n/g, "⏎").replace(/ /g, "␣");
}
