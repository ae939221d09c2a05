// Proteins and DNA: letters in rows of sixty with their numbers, coloured by what they are.
import { useRead } from "./bytes";
import { alphabetOf, recordsOf, runsOf } from "./sequences";
import type { View } from "./kinds";

const ROW = 60;
const TEN = 10;
const MOST = 600_000; // letters that are shown
const read = async (blob: Blob) => recordsOf(await blob.text(), MOST);

export default function Sequence({ blob, name }: View) {
  const { data, error } = useRead(blob, read);
  if (error) return <p class="notice bad">The sequence cannot be read: {error.message}</p>;
  if (!data) return null;
  return (
    <div class="viewer-sequence stack" tabIndex={0} role="region" aria-label={name}>
      {data.records.map((record, at) => <One key={at} {...record} />)}
      {data.cut && <p class="faint small">The first {MOST.toLocaleString()} letters; save it to see all.</p>}
    </div>
  );
}

function One({ title, letters }: { title: string; letters: string }) {
  const alphabet = alphabetOf(letters);
  const rows = Array.from({ length: Math.ceil(letters.length / ROW) }, (_, n) => n * ROW);
  return (
    <section>
      <p class="row small">
        {title && <b class="cut">{title}</b>}
        <span class="tag">{alphabet.name}</span><span class="faint number">{letters.length.toLocaleString()}</span>
      </p>
      <div class="letters">
        {rows.map((from) => (
          <div key={from} class="letters-row">
            <span class="number faint">{from + 1}</span>
            {Array.from({ length: Math.ceil(Math.min(ROW, letters.length - from) / TEN) }, (_, n) => from + n * TEN).map((at) => (
              <span key={at} class="letters-ten">
                {runsOf(letters.slice(at, Math.min(at + TEN, from + ROW)), alphabet).map(([kind, run], n) => <span key={n} class={`letter-${kind}`}>{run}</span>)}
              </span>
            ))}
          </div>
        ))}
      </div>
    </section>
  );
}
