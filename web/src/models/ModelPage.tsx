// One model: what it is, how good, what it comes from and learnt from, and what can be done with it.
import { useState } from "preact/hooks";
import { part, post } from "../api/client";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { Weave } from "../look/Weave";
import { to } from "../shell/router";
import { tell } from "../shell/notices";
import { DataSection } from "./DataSection";
import { DeleteDialog } from "./DeleteDialog";
import { ExportDialog } from "./ExportDialog";
import { Facts } from "./Facts";
import { Lineage } from "./Lineage";
import { State } from "./List";
import { Previews } from "./Previews";
import { Quality } from "./Quality";
import type { Card, Listed } from "./told";

export function ModelPage({ id }: { id: string }) {
  const model = useAsked<Listed>(`/v1/models/${part(id)}`, 3);
  const card = useAsked<Card>(`/v1/models/${part(id)}/card`);
  const [opened, setOpened] = useState<"export" | "delete" | null>(null);
  const failed = model.error ?? card.error;
  if (failed && !card.data) {
    return (
      <div class="stack">
        <p class="notice bad">{failed.message}</p>
        <p><a href={to("models")}>All models</a></p>
      </div>
    );
  }
  if (!card.data || !model.data) return <p class="faint" aria-busy="true">Loading…</p>;
  const told = model.data;
  const here = card.data;
  const loaded = told.state === "up";
  async function move(verb: "load" | "unload", word: string) {
    await post(`/v1/admin/models/${verb}`, { model: id });
    tell(`${id} is ${word}`, "good");
    model.again();
  }
  return (
    <article class="stack models-page">
      <nav aria-label="Where this is"><a href={to("models")}>Models</a></nav>
      <header class="models-head">
        <Weave of={here.weights || id} size={64} label={`The weave of ${id}`} />
        <div class="fill">
          <h1>{id}</h1>
          <p class="row small"><span class="faint">{[told.medium, told.family].filter(Boolean).join(", ")}</span><State state={told.state} /></p>
        </div>
      </header>
      <div class="row" role="group" aria-label="What can be done">
        <a class="button first" href={to("generate", [], { model: id })}>Generate</a>
        {told.chats && <a class="button" href={to("chat", [], { model: id })}>Chat</a>}
        <a class="button" href={to("train", [], { start: id })}>Train further</a>
        {loaded
          ? <Button act={() => move("unload", "out of memory")}>Unload</Button>
          : <Button act={() => move("load", "in memory")}>Load</Button>}
        <a class="button" href={to("trust", ["reports", id])}>Trust report</a>
        <Button act={() => setOpened("export")}>Export…</Button>
        {here.deletable && <Button kind="danger" act={() => setOpened("delete")}>Delete…</Button>}
      </div>
      {here.notes?.map((note) => <p key={note} class="notice warn">{note}</p>)}
      <Facts card={here} model={told} />
      <Quality card={here} />
      <Lineage at={id} lineage={here.lineage} />
      <DataSection title="What it learnt from" data={here.data} source={here.source} />
      {here.validation && <DataSection title="What it was judged on" data={here.validation} source={null} />}
      <Previews model={id} previews={here.previews} />
      <details class="panel">
        <summary>The whole recipe</summary>
        <pre class="models-recipe" tabIndex={0}>{JSON.stringify(here.recipe, null, 2)}</pre>
      </details>
      {opened === "export" && <ExportDialog model={told} close={() => setOpened(null)} />}
      {opened === "delete" && <DeleteDialog card={here} close={() => setOpened(null)} />}
    </article>
  );
}
