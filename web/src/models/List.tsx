// Every model that is offered: found by its letters, sorted by a column, chosen to be compared.
import { useCallback, useRef, useState } from "preact/hooks";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { bytes, count, when } from "../look/numbers";
import { Weave } from "../look/Weave";
import { useKey } from "../shell/keys";
import { to } from "../shell/router";
import { ImportDialog } from "./ImportDialog";
import { Sorted, type Column } from "./Sorted";
import { type Listed, STATES } from "./told";

const COLUMNS: Column<Listed>[] = [
  { name: "Model", by: (m) => m.id.toLowerCase(), show: (m) => <Named model={m} /> },
  { name: "Makes", by: (m) => m.medium, show: (m) => m.medium },
  { name: "Parameters", by: (m) => m.parameters ?? -1, show: (m) => count(m.parameters), number: true },
  { name: "On disk", by: (m) => m.bytes ?? -1, show: (m) => bytes(m.bytes), number: true },
  { name: "Made", by: (m) => m.created, show: (m) => (m.created ? when(m.created) : "–"), wide: true },
  { name: "In memory", by: (m) => m.state, show: (m) => <State state={m.state} /> },
];

export function List() {
  const models = useAsked<{ data: Listed[] }>("/v1/models", 5);
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState<string[]>([]);
  const [importing, setImporting] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  useKey("/", "search the models", useCallback(() => search.current?.focus(), []));
  useKey("i", "import a model", useCallback(() => setImporting(true), []));
  const all = models.data?.data ?? [];
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((m) => words.every((word) => `${m.id} ${m.medium} ${m.family ?? ""} ${m.state}`.toLowerCase().includes(word)));
  function choose(id: string, on: boolean) {
    setChosen((was) => (on ? [...was, id] : was.filter((other) => other !== id)));
  }
  return (
    <div class="stack">
      <header class="row between">
        <h1>Models</h1>
        <div class="row">
          {chosen.length > 1 && <a class="button" href={compared(chosen)}>Compare {chosen.length}</a>}
          <Button kind="first" act={() => setImporting(true)}>Import…</Button>
        </div>
      </header>
      <input ref={search} class="input models-search" type="search" aria-label="Search the models" placeholder="Search by name, medium or state"
        value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />
      {models.error && <p class="notice bad">{models.error.message}</p>}
      {models.loading && <p class="faint" aria-busy="true">Loading…</p>}
      {models.data && !all.length && <Empty begin={() => setImporting(true)} />}
      {all.length > 0 && (
        <Sorted rows={found} columns={COLUMNS} id={(m) => m.id} label="Models" first="Model" none="No model has all of these words."
          chosen={chosen} choose={choose} />
      )}
      {importing && <ImportDialog close={() => { setImporting(false); models.again(); }} />}
    </div>
  );
}

export function compared(ids: string[]): string {
  return `${to("models")}?${ids.map((id) => `with=${encodeURIComponent(id)}`).join("&")}`;
}

function Named({ model }: { model: Listed }) {
  return (
    <a class="models-named" href={to("models", [model.id])}>
      <Weave of={model.weights || model.id} size={28} />
      <span class="cut">{model.id}</span>
    </a>
  );
}

export function State({ state }: { state: string }) {
  const [word, kind] = STATES[state] ?? [state, ""];
  return kind ? <span class={`tag ${kind}`}>{word}</span> : <span class="faint small">{word}</span>;
}

function Empty({ begin }: { begin: () => void }) {
  return (
    <div class="empty">
      <p>No model is here yet. One comes by training on your own files, or by importing a published one.</p>
      <div class="row">
        <a class="button first" href={to("train")}>Train a model</a>
        <Button act={begin}>Import…</Button>
      </div>
    </div>
  );
}
