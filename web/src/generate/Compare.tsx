// Things side by side, with what differs in how they were made; two pictures also one over the other.
import { useEffect, useState } from "preact/hooks";
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { Selvedge } from "../look/Selvedge";
import { Weave } from "../look/Weave";
import { useAddress } from "../viewers/bytes";
import { Viewer } from "../viewers/Viewer";
import { type Compared, compared } from "./comparing";
import { blobOf } from "./Result";
import { nameOf } from "./runs";

export function CompareBar({ open }: { open: () => void }) {
  const count = compared.value.length;
  if (!count) return null;
  return (
    <div class="generate-comparebar row" role="status">
      <span class="fill"><span class="number">{count}</span> to compare</span>
      <Button kind="first" disabled={count < 2} act={open}>Compare</Button>
      <Button kind="quiet" act={() => void (compared.value = [])}>None</Button>
    </div>
  );
}

export function Compare({ close }: { close: () => void }) {
  const all = compared.value;
  const [over, setOver] = useState(false);
  const pictures = all.length === 2 && all.every(({ item }) => item.media.startsWith("image/"));
  return (
    <Dialog title="Compare" wide close={close}>
      {pictures && <div><Button aria-pressed={over} act={() => setOver(!over)}>One over the other</Button></div>}
      {pictures && over ? <Over two={all} /> : (
        <div class="generate-compared">
          {all.map((one) => (
            <section key={nameOf(one.run, one.item)} class="panel has-selvedge stack">
              <Selvedge of={one.run.weights || one.run.model} />
              <h3 class="row"><Weave of={one.run.weights || one.run.model} size={24} />{nameOf(one.run, one.item)}</h3>
              {one.run.texts ? <pre class="generate-text wrapped" tabIndex={0}>{one.item.text}</pre> : (
                <Viewer asset={one.item.asset ?? undefined} bytes={one.item.blob ?? undefined} media={one.item.media} name={nameOf(one.run, one.item)} />
              )}
            </section>
          ))}
        </div>
      )}
      <Differences all={all} />
    </Dialog>
  );
}

function Differences({ all }: { all: Compared[] }) {
  const told = all.map(({ run, item }): Record<string, unknown> => ({ ...run.body, seed: run.seed, number: item.index + 1, seconds: item.seconds.toFixed(1) }));
  const names = [...new Set(told.flatMap(Object.keys))].filter((name) => new Set(told.map((one) => JSON.stringify(one[name]))).size > 1);
  if (!names.length) return <p class="faint small">They were made in the same way.</p>;
  return (
    <div class="scroll-x">
      <table class="rows">
        <thead><tr><th scope="col">What differs</th>{all.map(({ run, item }) => <th key={nameOf(run, item)} scope="col">{nameOf(run, item)}</th>)}</tr></thead>
        <tbody>
          {names.map((name) => <tr key={name}><th scope="row">{name}</th>{told.map((one, at) => <td key={at} class="number">{shown(one[name])}</td>)}</tr>)}
        </tbody>
      </table>
    </div>
  );
}

const shown = (value: unknown) => (value === undefined ? "–" : (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 120));

/** The second lies over the first, up to where one slides. */
function Over({ two }: { two: Compared[] }) {
  const [at, setAt] = useState(50);
  return (
    <div class="stack">
      <div class="generate-over checkered">
        <Layer of={two[0]!} clip="" />
        <Layer of={two[1]!} clip={`inset(0 0 0 ${at}%)`} />
      </div>
      <label class="row small">Where the second begins <input type="range" min={0} max={100} value={at} onInput={(e) => setAt(Number(e.currentTarget.value))} /></label>
    </div>
  );
}

function Layer({ of: { run, item }, clip }: { of: Compared; clip: string }) {
  const [blob, setBlob] = useState<Blob | null>(null);
  useEffect(() => void blobOf(run, item).then(setBlob, () => undefined), [item]);
  return blob ? <Shown blob={blob} media={item.media} name={nameOf(run, item)} clip={clip} /> : null;
}

function Shown({ blob, media, name, clip }: { blob: Blob; media: string; name: string; clip: string }) {
  const address = useAddress(blob, media);
  return address ? <img src={address} alt={name} class="exact" style={{ clipPath: clip }} /> : null;
}
