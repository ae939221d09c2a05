// One thing that is made or in the making: what it is, how it was made, and what can be done with it.
import { useComputed } from "@preact/signals";
import { fetched, part } from "../api/client";
import { Button } from "../look/Button";
import { Selvedge } from "../look/Selvedge";
import { duration } from "../look/numbers";
import { tell } from "../shell/notices";
import { go } from "../shell/router";
import { asBlob, assetBlob, save } from "../viewers/bytes";
import { Viewer } from "../viewers/Viewer";
import type { Real } from "../viewers/real";
import { compared, toggle } from "./comparing";
import { Growing } from "./Growing";
import { type Item, nameOf, type Run } from "./runs";

export interface ResultProps {
  run: Run;
  item: Item;
  real?: Real[];
  again: (run: Run, item: Item) => void;
  vary: (run: Run, item: Item) => void;
  edit: (run: Run, item: Item) => void;
}

const WORDS = { waiting: "waits", making: "in the making", done: "", stopped: "stopped", cut: "cut off" };

export function Result({ run, item, real, again, vary, edit }: ResultProps) {
  useShape(item);
  const name = nameOf(run, item);
  const prompt = typeof run.body.prompt === "string" ? run.body.prompt : "";
  const there = item.state === "done" || item.text !== "";
  return (
    <figure class="panel generate-result has-selvedge" aria-label={name} aria-busy={item.state === "making"} data-state={item.state}>
      <Selvedge of={run.weights || run.model} />
      {run.texts ? <Growing item={item} before={prompt} /> : item.asset || item.blob ? (
        <Viewer asset={item.asset ?? undefined} bytes={item.blob ?? undefined} media={item.media} name={name} real={real} />
      ) : (
        <p class="faint generate-nothing">{item.state === "making" || item.state === "waiting" ? "Nothing to see yet" : "Nothing came of it"}</p>
      )}
      <figcaption class="generate-told">
        <Facts run={run} item={item} />
        {there && (
          <div class="generate-acts">
            <Button kind="quiet" act={async () => save(await blobOf(run, item), name)}>Save</Button>
            {run.whole && item.asset && <Button kind="quiet" title="CSV in which a spreadsheet finds no formula" act={() => exported(item, name)}>Save for a spreadsheet</Button>}
            {canCopy(run, item) && <Button kind="quiet" act={() => copy(run, item)}>Copy</Button>}
            {item.asset && <Button kind="quiet" title="Open it in the gallery" act={() => go("gallery", [item.asset!])}>Gallery</Button>}
            <Button kind="quiet" title="The same seed makes the same again" act={() => again(run, item)}>Again</Button>
            <Button kind="quiet" title="With the next seeds" act={() => vary(run, item)}>Vary</Button>
            {(run.begins || run.texts) && item.state === "done" && (
              <Button kind="quiet" title={run.texts ? "The text becomes the prompt" : "It becomes the picture to begin from"} act={() => edit(run, item)}>{run.texts ? "Write on" : "Edit"}</Button>
            )}
            <Button kind="quiet" aria-pressed={compared.value.some((one) => one.item === item)} act={() => toggle(run, item)}>Compare</Button>
          </div>
        )}
      </figcaption>
    </figure>
  );
}

/** Drawn anew when there is something else to see or to do; a text grows by itself. */
function useShape(item: Item): void {
  const shape = useComputed(() => [item.turn.value && item.state, item.asset, item.drawn, item.text !== ""].join());
  shape.value;
}

function Facts({ run, item }: { run: Run; item: Item }) {
  item.turn.value;
  const speed = run.texts ? item.speed : null;
  const why = { length: "ended at its length", stop: "" }[item.finish] ?? item.finish;
  return (
    <p class="row small faint">
      <span>seed <span class="number">{run.seed}</span>{(run.items.length > 1 || item.index > 0) && <> no. <span class="number">{item.index + 1}</span></>}</span>
      {item.seconds > 0 && <span class="number">{item.seconds < 60 ? `${item.seconds.toFixed(1)} s` : duration(item.seconds)}</span>}
      {run.texts && item.tokens > 0 && <span><span class="number">{item.tokens}</span> tokens</span>}
      {speed !== null && <span><span class="number">{speed.toFixed(0)}</span> tokens/s</span>}
      {item.steps > 0 && item.state === "making" && <span>step <span class="number">{item.step} of {item.steps}</span></span>}
      {why && <span>{why}</span>}
      {item.state !== "done" && item.state !== "making" && <span class="tag warn">{item.text || item.blob ? `partial: ${WORDS[item.state]}` : WORDS[item.state]}</span>}
    </p>
  );
}

export async function blobOf(run: Run, item: Item): Promise<Blob> {
  if (run.texts && !item.asset) return asBlob(item.text, "text/plain");
  return item.blob ?? (await assetBlob(item.asset!));
}

/** A table in which no cell begins as a formula does; the server writes it. */
async function exported(item: Item, name: string): Promise<void> {
  const answer = await fetched("GET", `/v1/assets/${part(item.asset!)}/export`);
  save(await answer.blob(), name);
}

const canCopy = (run: Run, item: Item) =>
  Boolean(navigator.clipboard) && (run.texts || ((item.asset !== null || item.blob !== null) && (/^text\//.test(item.media) || (item.media === "image/png" && "ClipboardItem" in window))));

async function copy(run: Run, item: Item): Promise<void> {
  const blob = run.texts ? asBlob(item.text, "text/plain") : await blobOf(run, item);
  if (item.media === "image/png") await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
  else await navigator.clipboard.writeText(await blob.text());
  tell("Copied.", "good");
}
