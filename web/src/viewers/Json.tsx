// JSON as a tree that opens; JSON lines as a list of them. What is closed is not drawn.
import { useState } from "preact/hooks";
import { useRead } from "./bytes";
import type { View } from "./kinds";
import Text from "./Text";

const MOST = 16 << 20; // bytes
const AT_ONCE = 200; // children

async function read(blob: Blob): Promise<unknown> {
  if (blob.size > MOST) throw new Error("it is too large to be shown as a tree");
  const text = await blob.text();
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const lines = text.split("\n").filter((line) => line.trim());
    if (lines.length < 2) throw error;
    return lines.map((line) => JSON.parse(line) as unknown);
  }
}

export default function Json(view: View) {
  const { data, error } = useRead(view.blob, read);
  if (error) return <Text {...view} media="text/plain" />;
  if (data === null) return null;
  return <div class="viewer-json" tabIndex={0} role="region" aria-label={view.name}><Value value={data} open={3} /></div>;
}

function Value({ value, open }: { value: unknown; open: number }) {
  if (value === null || typeof value !== "object") return <Leaf value={value} />;
  const entries = Object.entries(value);
  const [left, right] = Array.isArray(value) ? "[]" : "{}";
  if (!entries.length) return <span>{left}{right}</span>;
  return <Branch entries={entries} told={`${left} ${entries.length.toLocaleString()} ${right}`} open={open} />;
}

function Branch({ entries, told, open }: { entries: [string, unknown][]; told: string; open: number }) {
  const [opened, setOpened] = useState(open > 0 && entries.length <= AT_ONCE);
  const [most, setMost] = useState(AT_ONCE);
  return (
    <details open={opened} onToggle={(e) => setOpened(e.currentTarget.open)}>
      <summary class="faint">{told}</summary>
      {opened && (
        <ul>
          {entries.slice(0, most).map(([name, value]) => (
            <li key={name}><span class="json-name">{name}</span> <Value value={value} open={open - 1} /></li>
          ))}
          {entries.length > most && (
            <li><button type="button" class="button quiet" onClick={() => setMost(most + 10 * AT_ONCE)}>{(entries.length - most).toLocaleString()} more</button></li>
          )}
        </ul>
      )}
    </details>
  );
}

function Leaf({ value }: { value: unknown }) {
  const kind = typeof value === "string" ? "code-string" : typeof value === "number" ? "code-number" : "code-literal";
  return <span class={kind}>{JSON.stringify(value)}</span>;
}
