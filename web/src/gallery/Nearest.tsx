// The training items that a thing is nearest to, beside how near real items are that were held back.
import { useState } from "preact/hooks";
import { get, part } from "../api/client";
import { Button } from "../look/Button";
import { count, figure } from "../look/numbers";
import { plain } from "./assets";

interface Neighbour {
  index: number;
  distance: number;
  item: number;
  text: string | null;
  row?: Record<string, string>;
  media?: string;
  thumbnail?: string;
}

interface Near {
  data: Neighbour[];
  share_nearer: number;
  held_out: { least: number; median: number; most: number };
  held_out_items: number;
  training_items: number;
  overlap: { text: string } | null;
  held_out_overlap: number | null;
}

const COPY = 0.02; // of real items that are as near: below it is nearer than real ones are

export function Nearest({ id }: { id: string }) {
  const [near, setNear] = useState<Near | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  async function look() {
    setWrong(null);
    try {
      setNear(await get<Near>(`/v1/assets/${part(id)}/neighbours?count=6`));
    } catch (error) {
      setWrong((error as Error).message);
    }
  }
  return (
    <section class="gallery-part" aria-labelledby="gallery-nearest">
      <div class="row between">
        <h3 id="gallery-nearest">Nearest training items</h3>
        {!near && <Button act={look}>Look for them</Button>}
      </div>
      <div role="status">
        {wrong && <p class="notice warn">{wrong}</p>}
        {near && <Said near={near} />}
      </div>
      {near && <ol class="gallery-near">{near.data.map((one) => <li key={`${one.index} ${one.item}`}><Item one={one} /></li>)}</ol>}
    </section>
  );
}

function Said({ near }: { near: Near }) {
  const copy = near.share_nearer < COPY;
  return (
    <div class="stack small">
      <p class={copy ? "notice warn" : ""}>
        {copy ? "Nearer to training than real items are. " : ""}
        Of <span class="number">{count(near.held_out_items)}</span> real items that were held back,{" "}
        <span class="number">{figure(100 * near.share_nearer)} %</span> are at least as near to one of the{" "}
        <span class="number">{count(near.training_items)}</span> training items; half of them are nearer than{" "}
        <span class="number">{figure(near.held_out.median)}</span>.
      </p>
      {near.overlap && (
        <p>
          Longest run shared word for word: <q class="gallery-said">{plain(near.overlap.text.slice(0, 200))}</q>{" "}
          (<span class="number">{near.overlap.text.length}</span> characters
          {near.held_out_overlap !== null && <>; of real texts <span class="number">{near.held_out_overlap}</span></>}).
        </p>
      )}
    </div>
  );
}

function Item({ one }: { one: Neighbour }) {
  return (
    <figure>
      {one.thumbnail && <img src={one.thumbnail} alt={`Training item ${one.index}`} class="exact" />}
      {one.text !== null && <p class="gallery-said small">{plain(one.text.slice(0, 400))}</p>}
      {one.row && (
        <dl class="gallery-cells small">
          {Object.entries(one.row).slice(0, 12).map(([name, value]) => <div key={name}><dt>{plain(name)}</dt><dd class="number">{plain(value)}</dd></div>)}
        </dl>
      )}
      <figcaption class="small"><span class="faint">item {one.index}, distance</span> <span class="number">{figure(one.distance)}</span></figcaption>
    </figure>
  );
}
