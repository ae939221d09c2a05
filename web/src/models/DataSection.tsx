// What a model learnt from: counts, licences and whose it is, with every file's hash to look up.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { bytes, count } from "../look/numbers";
import type { DataTold } from "./told";

export function DataSection({ title, data, source }: { title: string; data: DataTold | null; source: Record<string, string> | null }) {
  const id = useId();
  const rows: [string, ComponentChildren][] = [
    ["From", source?.hub ?? source?.folder ?? source?.file],
    ["Revision", source?.revision],
    ["Licence of what came", source?.licence],
    ["Data", data?.name ?? data?.root],
    ["Items", data?.items !== undefined ? <span class="number">{count(data.items)}</span> : null],
    ["Files", data?.files ? <span class="number">{count(data.files)}, {bytes(data.bytes)}</span> : null],
    ["Licence", data ? (data.licence ?? "unknown") : null],
    ["Found in", data?.evidence?.join(", ")],
    ["Made by", data?.credits?.join(", ")],
    ["SHA-256", data?.sha256 && <code title={data.sha256}>{data.sha256.slice(0, 16)}</code>],
  ];
  const told = rows.filter(([, value]) => value);
  return (
    <section class="panel stack" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {!told.length && <p class="faint">Its card does not say.</p>}
      <dl class="models-facts">
        {told.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
      {data?.licence === "unknown" && <p class="notice warn">No licence was found beside the data: whether what is made may be used is yours to find out.</p>}
      {data && data.manifest.length > 0 && (
        <details class="small">
          <summary>{data.manifest.length < data.files ? `The first ${count(data.manifest.length)} of ${count(data.files)} files` : data.files === 1 ? "The file" : `All ${count(data.files)} files`}</summary>
          <div class="scroll-x" tabIndex={0} role="group" aria-label={`${title}: files`}>
            <table class="rows">
              <thead><tr><th scope="col">File</th><th scope="col" class="number">Size</th><th scope="col">SHA-256</th></tr></thead>
              <tbody>
                {data.manifest.map((one) => (
                  <tr key={one.path}><td>{one.path}</td><td class="number">{bytes(one.size)}</td><td><code title={one.sha256}>{one.sha256.slice(0, 16)}</code></td></tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </section>
  );
}
