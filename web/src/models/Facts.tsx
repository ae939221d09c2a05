// The plain facts of a model: size, time, machine, programs, digests.
import type { ComponentChildren } from "preact";
import { bytes, count, duration, when } from "../look/numbers";
import type { Card, Listed } from "./told";

export function Facts({ card, model }: { card: Card; model: Listed }) {
  const software = Object.entries(card.software ?? {}).map(([name, version]) => `${name} ${version}`).join(", ");
  const machine = [card.hardware?.device, card.hardware?.processor, card.hardware?.threads && `${card.hardware.threads} ${card.hardware.threads === 1 ? "thread" : "threads"}`].filter(Boolean).join(", ");
  const rows: [string, ComponentChildren][] = [
    ["Parameters", number(count(card.parameters))],
    ["On disk", number(bytes(card.size.bytes))],
    ["Left by its training", card.size.beside ? number(bytes(card.size.beside)) : null],
    ["Context", model.context ? number(`${count(model.context)} tokens`) : null],
    ["Parts", card.parts.map((one) => `${one.role.replace("net: ", "")} ${one.kind}`).join(", ")],
    ["Made", card.created ? when(card.created) : null],
    ["Training took", card.seconds ? number(`${duration(card.seconds)}, ${count(card.steps)} steps`) : null],
    ["Ended", card.ended],
    ["Machine", machine],
    ["Programs", software],
    ["Weights", card.weights && <code title={card.weights}>{card.weights.slice(0, 16)}</code>],
    ["Recipe", card.recipe_digest && <code title={card.recipe_digest}>{card.recipe_digest.slice(0, 16)}</code>],
  ];
  return (
    <section class="panel" aria-label="Facts">
      <dl class="models-facts">
        {rows.filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
    </section>
  );
}

const number = (text: string) => <span class="number">{text}</span>;
