// Several models side by side: the same measures, each with the floor and ceiling it was measured
// with. Numbers of unlike data are said to be so: they cannot be compared.
import { useEffect, useState } from "preact/hooks";
import { get, part } from "../api/client";
import { bytes, count, duration, figure } from "../look/numbers";
import { Weave } from "../look/Weave";
import { said } from "../shell/notices";
import { to } from "../shell/router";
import { compared } from "./List";
import { Between, share } from "./Quality";
import type { Card, Figure } from "./told";

export function Compare({ models }: { models: string[] }) {
  const [cards, setCards] = useState<Card[] | null>(null);
  const [wrong, setWrong] = useState<Error | null>(null);
  const all = models.join("\n");
  useEffect(() => {
    const leave = new AbortController();
    setCards(null);
    setWrong(null);
    Promise.all(models.map((id) => get<Card>(`/v1/models/${part(id)}/card`, { signal: leave.signal }))).then(
      setCards,
      (error: Error) => error.name === "AbortError" || setWrong(error),
    );
    return () => leave.abort();
  }, [all]);
  return (
    <div class="stack">
      <nav aria-label="Where this is"><a href={to("models")}>Models</a></nav>
      <h1>Side by side</h1>
      {wrong && <p class="notice bad">{said(wrong)}</p>}
      {!wrong && !cards && <p class="faint" aria-busy="true">Loading…</p>}
      {cards && <Warning cards={cards} />}
      {cards && <Table cards={cards} />}
    </div>
  );
}

/** What a person must know before looking at the numbers. */
function Warning({ cards }: { cards: Card[] }) {
  const data = new Set(cards.map((card) => card.data?.sha256 ?? card.data?.root ?? ""));
  const unmeasured = cards.filter((card) => !card.quality.length).map((card) => card.id);
  return (
    <>
      {data.size > 1 && <p class="notice warn">These models learnt from unlike data, and were measured on what was held out of each: their numbers say little about each other.</p>}
      {unmeasured.length > 0 && <p class="notice">Not measured with a floor and a ceiling yet: {unmeasured.join(", ")}.</p>}
    </>
  );
}

function Table({ cards }: { cards: Card[] }) {
  const names = [...new Set(cards.flatMap((card) => card.quality[0]?.rows.map((row) => row.metric) ?? []))];
  const plain: [string, (card: Card) => string][] = [
    ["Parameters", (card) => count(card.parameters)],
    ["On disk", (card) => bytes(card.size.bytes)],
    ["Training took", (card) => duration(card.seconds)],
    ["Items learnt from", (card) => count(card.data?.items)],
  ];
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Comparison">
      <table class="rows models-side">
        <thead>
          <tr>
            <td />
            {cards.map((card) => (
              <th key={card.id} scope="col">
                <a class="models-named" href={to("models", [card.id])}><Weave of={card.weights || card.id} size={24} />{card.id}</a>
                {cards.length > 2 && (
                  <a class="small" href={compared(cards.filter((one) => one !== card).map((one) => one.id))}>Leave out<span class="visually-hidden"> {card.id}</span></a>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {plain.map(([name, show]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {cards.map((card) => <td key={card.id} class="number">{show(card)}</td>)}
            </tr>
          ))}
          {names.map((name) => <Measure key={name} name={name} cards={cards} />)}
        </tbody>
      </table>
    </div>
  );
}

function Measure({ name, cards }: { name: string; cards: Card[] }) {
  const rows = cards.map((card) => card.quality[0]?.rows.find((row) => row.metric === name) ?? null);
  const better = rows.find(Boolean)?.better ?? "lower";
  const best = bestOf(rows, better);
  return (
    <tr>
      <th scope="row">{name}<small>{better} is better</small></th>
      {rows.map((row, n) => (
        <td key={cards[n]!.id} class="number">
          {row ? (
            <>
              <strong class={row.value === best ? "models-best" : ""}>{figure(row.value)}</strong>
              {row.value === best && <span class="visually-hidden"> (best)</span>}
              {share(row) !== null && <small>{figure(row.floor)} … {figure(row.ceiling)}</small>}
              {share(row) !== null && <Between row={row} />}
            </>
          ) : <span class="faint">–</span>}
        </td>
      ))}
    </tr>
  );
}

/** The best of those that were measured; null where fewer than two were, or all are alike. */
export function bestOf(rows: (Figure | null)[], better: Figure["better"]): number | null {
  const values = rows.flatMap((row) => (row?.value == null ? [] : [row.value]));
  if (new Set(values).size < 2) return null;
  return better === "higher" ? Math.max(...values) : Math.min(...values);
}
