// One thing by itself: what it is, how it was made, whether that holds, what it is near to, and the ways
// on from it.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useAsked } from "../api/asked";
import { fetched, part, post } from "../api/client";
import type { Model } from "../api/models";
import type { ColumnAbout } from "../generate/form";
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { Field } from "../look/Field";
import { bytes, count, when } from "../look/numbers";
import { Selvedge } from "../look/Selvedge";
import { Weave } from "../look/Weave";
import { tell } from "../shell/notices";
import { to } from "../shell/router";
import { assetBlob, save, suffixOf } from "../viewers/bytes";
import { type Real, realOf } from "../viewers/real";
import { Viewer } from "../viewers/Viewer";
import { type Asset, plain, titleOf, wayOf, weaveOf } from "./assets";
import { Nearest } from "./Nearest";
import { Provenance } from "./Provenance";
import { settingsOf } from "./settings";
import type { Shelf } from "./shelf";

const TABLES = ["text/csv", "application/vnd.apache.parquet"];

export interface OpenedProps {
  id: string;
  shelf: Shelf;
  open: (asset: Asset) => void;
  close: () => void;
  remove: (assets: Asset[]) => void;
}

export function Opened({ id, shelf, open, close, remove }: OpenedProps) {
  const asked = useAsked<Asset>(`/v1/assets/${part(id)}`);
  void shelf.turn.value;
  const at = shelf.find(id);
  const asset = asked.data ?? shelf.at(at); // what the list knows of it comes first
  return (
    <Dialog title={asset ? titleOf(asset).slice(0, 80) : "Opened"} wide close={close}>
      {asked.error && <p class="notice bad">{asked.error.message}</p>}
      {asset && <Inside key={id} given={asset} shelf={shelf} at={at} open={open} remove={remove} />}
    </Dialog>
  );
}

interface InsideProps extends Pick<OpenedProps, "shelf" | "open" | "remove"> {
  given: Asset;
  at: number;
}

function Inside({ given, shelf, at, open, remove }: InsideProps) {
  const [changed, setChanged] = useState<Partial<Asset>>({});
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.focus({ preventScroll: true }), []);
  const asset = { ...given, ...changed };
  const real = useReal(asset);
  const [before, after] = at < 0 ? [] : [shelf.at(at - 1), shelf.at(at + 1)];
  async function note(what: { favourite?: boolean; labels?: string[] }) {
    const { favourite, labels } = await post<Asset>(`/v1/assets/${part(asset.id)}`, what);
    setChanged({ favourite, labels });
    shelf.change({ ...asset, favourite, labels });
  }
  function pressed(event: KeyboardEvent) {
    const target = event.target as Element;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, select, .viewer")) return;
    const next = { ArrowLeft: before, ArrowRight: after }[event.key];
    if (next) open(next);
    else if (event.key === "f") void note({ favourite: !asset.favourite }).catch(tell);
    else if (event.key === "Delete") remove([asset]);
    else return;
    event.preventDefault();
  }
  return (
    <div ref={place} class="gallery-opened" tabIndex={-1} autofocus onKeyDown={pressed}>
      <div class="gallery-shown has-selvedge">
        <Selvedge of={weaveOf(asset)} />
        <Viewer asset={asset.id} media={asset.media} name={`${asset.id}${suffixOf(asset.media)}`} real={real} />
      </div>
      <div class="stack">
        <div class="row">
          {asset.model && <a class="button first" href={wayOf(asset, "again")}>Again</a>}
          {asset.model && <a class="button" href={wayOf(asset, "vary")}>Vary</a>}
          {asset.model && asset.media.startsWith("image/") && <a class="button" href={wayOf(asset, "edit")}>Edit</a>}
          <Button aria-pressed={asset.favourite} act={() => note({ favourite: !asset.favourite })}>Favourite</Button>
          <Downloads asset={asset} />
          <Button kind="danger" act={() => remove([asset])}>Delete</Button>
        </div>
        <Facts asset={asset} />
        <Labels labels={asset.labels} set={(labels) => note({ labels })} />
        <Provenance id={asset.id} />
        <Nearest id={asset.id} />
        <div class="row between">
          <Button kind="quiet" disabled={!before} act={() => before && open(before)}>← Before</Button>
          {at >= 0 && <span class="faint small number">{count(at + 1)} of {count(shelf.total.value)}</span>}
          <Button kind="quiet" disabled={!after} act={() => after && open(after)}>Next →</Button>
        </div>
      </div>
    </div>
  );
}

/** The real data's columns, where the asset is a table and the very weights that made it are here. */
function useReal(asset: Asset): Real[] | undefined {
  const table = asset.model !== null && TABLES.includes(asset.media);
  const models = useAsked<{ data: Model[] }>(table ? "/v1/models" : null);
  const maker = models.data?.data.find((one) => one.id === asset.model && one.weights === asset.model_weights);
  const form = useAsked<{ columns?: ColumnAbout[] }>(maker ? `/v1/models/${part(maker.id)}/form` : null);
  return useMemo(() => (form.data ? realOf(form.data.columns) : undefined), [form.data]);
}

function Downloads({ asset }: { asset: Asset }) {
  const file = async (path: string, name: string) => save(await (await fetched("GET", path)).blob(), name);
  if (!TABLES.includes(asset.media)) {
    return <Button act={async () => save(await assetBlob(asset.id), `${asset.id}${suffixOf(asset.media)}`)}>Download</Button>;
  }
  return (
    <>
      {["csv", "json"].map((format) => (
        <Button key={format} title={format === "csv" ? "Cells that a spreadsheet would run are quoted" : undefined}
          act={() => file(`/v1/assets/${part(asset.id)}/export?format=${format}`, `${asset.id}.${format}`)}>
          {format.toUpperCase()}
        </Button>
      ))}
    </>
  );
}

function Facts({ asset }: { asset: Asset }) {
  return (
    <dl class="gallery-facts">
      {asset.model && (
        <div>
          <dt>Model</dt>
          <dd class="row"><Weave of={weaveOf(asset)} size={24} /><a href={to("models", [asset.model])}>{plain(asset.model)}</a></dd>
        </div>
      )}
      {settingsOf(asset).map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd class={name === "Prompt" ? "gallery-said" : "number"}>{value}</dd></div>
      ))}
      <div><dt>Medium</dt><dd class="number">{asset.media}</dd></div>
      <div><dt>Made</dt><dd>{when(asset.created_at)}</dd></div>
      <div><dt>Size</dt><dd class="number">{bytes(asset.bytes)}</dd></div>
      <div><dt>SHA-256</dt><dd class="number gallery-hash">{asset.sha256}</dd></div>
      <div><dt>Id</dt><dd class="number gallery-hash">{asset.id}</dd></div>
    </dl>
  );
}

function Labels({ labels, set }: { labels: string[]; set: (labels: string[]) => Promise<void> }) {
  const [typed, setTyped] = useState(labels.join(", "));
  const next = [...new Set(typed.split(",").map((one) => one.trim().slice(0, 64)).filter(Boolean))].slice(0, 32);
  const same = next.join() === labels.join();
  return (
    <form class="row" onSubmit={(e) => { e.preventDefault(); void set(next); }}>
      <div class="fill">
        <Field name="Labels" help="With commas between them; the search finds them.">
          {(tied) => <input {...tied} class="input" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />}
        </Field>
      </div>
      {!same && <Button act={() => set(next)}>Keep</Button>}
    </form>
  );
}
