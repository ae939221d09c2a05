// Everything that was made here: found by words, model, medium and day; opened, compared, kept, deleted.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useAsked } from "../api/asked";
import { ask, fetched } from "../api/client";
import { Button } from "../look/Button";
import { count } from "../look/numbers";
import { useKey } from "../shell/keys";
import { tell } from "../shell/notices";
import { go, place, to } from "../shell/router";
import { save } from "../viewers/bytes";
import { type Asset, askedOf, type Facets, type Filter, filterOf, type Listed, queryOf } from "./assets";
import { Compare } from "./Compare";
import { Deleting } from "./Deleting";
import { Filters } from "./Filters";
import { Grid } from "./Grid";
import { Opened } from "./Opened";
import { MOST, Selection } from "./selection";
import { Shelf } from "./shelf";
import "./gallery.css";

const COMPARED = 6;
const LOOK = 20; // seconds between two looks for what is new

export default function Gallery() {
  const filter = filterOf(place.value.query);
  const name = JSON.stringify(filter);
  const [turn, setTurn] = useState(0);
  const shelf = useMemo(() => new Shelf(filter), [name, turn]);
  useEffect(() => () => shelf.close(), [shelf]);
  const selection = useMemo(() => new Selection(), []);
  const facets = useAsked<Facets>("/v1/assets/facets");
  const [deleting, setDeleting] = useState<Asset[] | null>(null);
  const [comparing, setComparing] = useState<Asset[] | null>(null);
  const search = useRef<HTMLInputElement>(null);
  useKey("/", "search the gallery", useCallback(() => search.current?.focus(), []));
  const set = (some: Partial<Filter>) => location.replace(to("gallery", [], queryOf({ ...filter, ...some })));
  const open = (asset: Asset) => go("gallery", [asset.id], queryOf(filter));
  const close = () => go("gallery", [], queryOf(filter));
  function again() {
    setTurn((n) => n + 1);
    facets.again();
  }
  async function remove(assets: Asset[]) {
    const { deleted } = await ask<{ deleted: string[] }>("POST", "/v1/assets/delete", { ids: assets.map((one) => one.id) });
    selection.drop(deleted);
    setDeleting(null);
    if (place.value.rest[0] && deleted.includes(place.value.rest[0])) close();
    tell(`${count(deleted.length)} deleted.`, "good");
    again();
  }
  const total = shelf.total.value;
  const picked = selection.all.value;
  const opened = place.value.rest[0];
  return (
    <div class="gallery">
      <div class="row between">
        <h1>Gallery</h1>
        <p class="faint" role="status">{shown(total, filter)}</p>
      </div>
      <Filters filter={filter} facets={facets.data} set={set} search={search} />
      {!filter.old && <News filter={filter} shelf={shelf} show={again} />}
      {shelf.error.value && <p class="notice bad">{shelf.error.value.message} <Button act={again}>Ask again</Button></p>}
      {total === 0 && <Empty filter={filter} />}
      {total !== 0 && <Grid shelf={shelf} selection={selection} open={open} remove={setDeleting} change={(changed) => shelf.change(changed)} />}
      {picked.size > 0 && (
        <div class="gallery-picked row" role="toolbar" aria-label="What is selected">
          <span class="fill"><span class="number">{count(picked.size)}</span> selected{picked.size === MOST ? ", the most at once" : ""}</span>
          <Button disabled={picked.size < 2 || picked.size > COMPARED} title={`2 to ${COMPARED}`} act={() => setComparing([...picked.values()])}>Compare</Button>
          <Button act={() => download([...picked.values()])}>Download</Button>
          <Button kind="danger" act={() => setDeleting([...picked.values()])}>Delete</Button>
          <Button kind="quiet" act={() => selection.clear()}>None</Button>
        </div>
      )}
      {opened && <Opened id={opened} shelf={shelf} open={open} close={close} remove={setDeleting} />}
      {comparing && <Compare assets={comparing} close={() => setComparing(null)} />}
      {deleting && <Deleting assets={deleting} remove={remove} close={() => setDeleting(null)} />}
    </div>
  );
}

const narrowed = (filter: Filter) => Object.keys(queryOf({ ...filter, old: false })).length > 0;

function shown(total: number | null, filter: Filter): string {
  if (total === null) return "";
  return `${count(total)} ${total === 1 ? "thing" : "things"}${narrowed(filter) ? " found" : ""}`;
}

/** One file for all of them, with their records. */
async function download(assets: Asset[]) {
  const answer = await fetched("POST", "/v1/assets/archive", { ids: assets.map((one) => one.id) });
  save(await answer.blob(), "genloom.zip");
}

/** What was made since the list was begun is told, and shown when one asks for it. */
function News({ filter, shelf, show }: { filter: Filter; shelf: Shelf; show: () => void }) {
  const latest = useAsked<Listed>(`/v1/assets?${new URLSearchParams([...askedOf(filter), ["limit", "1"]])}`, LOOK);
  const first = latest.data?.first_id;
  if (!first || shelf.total.value === null || first === shelf.newest || latest.data!.total <= shelf.total.value) return null;
  return <p class="notice">{count(latest.data!.total - shelf.total.value)} more since. <Button act={show}>Show</Button></p>;
}

function Empty({ filter }: { filter: Filter }) {
  if (narrowed(filter)) {
    return <div class="empty"><h2>Nothing like that</h2><p>No thing here has all of these words and is of this kind. <a href={to("gallery")}>Show everything</a></p></div>;
  }
  return (
    <div class="empty">
      <h2>Nothing was made yet</h2>
      <p>What models make here is kept with the record of how it was made: prompt, seed and settings, so that it can be made again.</p>
      <a class="button first" href={to("generate")}>Make something</a>
    </div>
  );
}
