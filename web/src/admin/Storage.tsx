// What is on disk: whose it is, which models, and how much is free.
import { useAsked } from "../api/asked";
import { bytes, count } from "../look/numbers";
import { Asking } from "./Asking";
import { useNames } from "./told";

interface Stored {
  owners: { owner: string; bytes: number; assets: number; files: number }[];
  blobs: number;
  blob_bytes: number;
  owner_most: number;
  models: { id: string; bytes: number }[];
  disk: { total: number; used: number; free: number };
}

export function Storage() {
  const stored = useAsked<Stored>("/v1/admin/storage");
  const names = useNames();
  return (
    <Asking asked={stored}>
      {(told) => (
        <>
          <dl class="admin-facts">
            <div><dt>free on this disk</dt><dd class="number">{bytes(told.disk.free)} of {bytes(told.disk.total)}</dd></div>
            <div><dt>what was made and sent</dt><dd class="number">{bytes(told.blob_bytes)} in {count(told.blobs)} files</dd></div>
            <div><dt>models</dt><dd class="number">{bytes(told.models.reduce((sum, one) => sum + one.bytes, 0))}</dd></div>
          </dl>
          <Shares title="By account" about={`Each may hold ${bytes(told.owner_most)}. Equal files lie on disk once and count for each.`}
            rows={told.owners.map((one) => [names(one.owner), one.bytes, `${count(one.assets)} assets, ${count(one.files)} files`])} />
          <Shares title="Models" about="Each with what its training left: checkpoints, previews, measurements."
            rows={told.models.map((one) => [one.id, one.bytes, ""])} />
        </>
      )}
    </Asking>
  );
}

function Shares({ title, about, rows }: { title: string; about: string; rows: [name: string, size: number, more: string][] }) {
  const most = Math.max(...rows.map(([, size]) => size), 1);
  return (
    <section class="panel stack" aria-label={title}>
      <div><h2>{title}</h2><p class="faint small">{about}</p></div>
      {rows.length === 0 && <p class="faint">Nothing.</p>}
      <ul class="admin-shares">
        {rows.map(([name, size, more]) => (
          <li key={name}>
            <span class="cut">{name}</span>
            <span class="number">{bytes(size)}</span>
            <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width={Math.max(0.5, (100 * size) / most)} height="4" /></svg>
            {more && <span class="faint small">{more}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}
