// Generate: a model, what it can be asked for, and what came of it, newest first.
import { useCallback, useRef, useState } from "preact/hooks";
import { useAsked } from "../api/asked";
import { Failed, part } from "../api/client";
import type { Model } from "../api/models";
import { Button } from "../look/Button";
import { useKey } from "../shell/keys";
import { tell } from "../shell/notices";
import { go, place, to } from "../shell/router";
import { realOf } from "../viewers/real";
import { Asking } from "./Asking";
import { make } from "./asking";
import { bestOf, remember, warm } from "./choosing";
import { Compare, CompareBar } from "./Compare";
import { bodyOf, change, draftOf, isWhole, rolled } from "./drafts";
import type { Form } from "./form";
import { dataOf } from "./GivenField";
import { ModelPick } from "./ModelPick";
import { useMadeBefore } from "./made_before";
import { blobOf } from "./Result";
import { add, type Asked, type Item, Run, runs } from "./runs";
import { RunView } from "./RunView";
import "./generate.css";

const VARIED = 4;

export default function Generate() {
  const models = useAsked<{ data: Model[] }>("/v1/models");
  const all = models.data?.data ?? [];
  const [chosen, setChosen] = useState<string | null>(place.value.query.get("model"));
  const model = bestOf(all, chosen);
  const form = useAsked<Form>(model && `/v1/models/${part(model.id)}/form`);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [more, setMore] = useState(false);
  const [comparing, setComparing] = useState(false);
  const results = useRef<HTMLDivElement>(null);
  const ready = model && form.data?.model === model.id ? form.data : null;
  const choose = useCallback((id: string) => {
    remember(id);
    setChosen(id);
    setWrong({});
  }, []);
  useMadeBefore(all, choose);

  const start = useCallback((asked: Asked, first = 0) => {
    const run = new Run(asked, undefined, first);
    add(run);
    void follow(run, setWrong);
  }, []);
  const ask = useCallback(() => {
    if (!model || !ready) return;
    const draft = draftOf(model.id);
    const found = bodyOf(ready, draft);
    setWrong("wrong" in found ? found.wrong : {});
    if ("wrong" in found) return;
    remember(model.id);
    start({ ...found, model: model.id, weights: model.weights, media: ready.media, texts: ready.texts ?? false, whole: isWhole(ready), begins: "item" in ready.takes }, isWhole(ready) ? 0 : draft.first);
    if (!draft.locked) change(model.id, { seed: rolled(), first: 0 });
    if (matchMedia("(max-width: 62rem)").matches) requestAnimationFrame(() => results.current?.scrollIntoView({ behavior: "smooth" }));
  }, [model, ready]);
  const stop = useCallback(() => runs.value.find((run) => run.leave)?.leave?.abort(), []);
  useKey("Control+Enter", "generate", ask, true);
  useKey("Escape", "stop what is being made", stop, true);

  async function edit(run: Run, item: Item) {
    if (run.texts) change(run.model, { prompt: `${String(run.body.prompt ?? "")}${item.text}` });
    else change(run.model, { given: { ...draftOf(run.model).given, image: { name: `seed ${run.seed}`, data: await dataOf(await blobOf(run, item)) } } });
    choose(run.model);
    document.querySelector<HTMLElement>(".generate-asking textarea, .generate-asking input")?.focus();
  }
  const again = (run: Run, item: Item) => start({ ...run, count: run.whole ? run.count : 1 }, run.whole ? 0 : item.index);
  const vary = (run: Run) => start({ ...run, seed: run.seed + 1, count: run.whole ? run.count : VARIED });

  if (models.error) return <><h1>Generate</h1><p class="notice bad">{models.error.message} <Button act={models.again}>Ask again</Button></p></>;
  if (models.data && !model) return <Empty />;
  return (
    <div class="generate">
      <h1 class="visually-hidden">Generate</h1>
      <form class="generate-asking" onFocusIn={() => model && warm(model)} onPointerEnter={() => model && warm(model)} onSubmit={(e) => { e.preventDefault(); ask(); }}>
        {model && <ModelPick models={all} chosen={model.id} choose={choose} />}
        {form.error && <p class="notice bad">{form.error.message} <Button act={form.again}>Ask again</Button></p>}
        {model && !ready && !form.error && <p class="faint" aria-busy="true">{model.state === "up" ? "Loading…" : `${model.id} is being loaded…`}</p>}
        {ready && <Asking form={ready} wrong={wrong} more={more} setMore={setMore} changed={() => Object.keys(wrong).length && setWrong({})} />}
        {ready?.chats && <p class="small faint">This model converses: <a href={to("chat", [], { model: ready.model })}>talk with it</a>, or have it go on with a text here.</p>}
        <div class="generate-go">
          <Button kind="first" type="submit" disabled={!ready}>Generate <kbd>Ctrl ↵</kbd></Button>
        </div>
      </form>
      <div class="generate-made" ref={results}>
        {runs.value.map((run) => (
          <RunView key={run.id} run={run} real={ready?.model === run.model ? realOf(ready.columns) : undefined} goOn={(one) => void follow(one, setWrong)} again={again} vary={vary} edit={edit} />
        ))}
        {!runs.value.length && <p class="faint generate-first">What is made appears here, and stays in the <a href={to("gallery")}>gallery</a>.</p>}
      </div>
      <CompareBar open={() => setComparing(true)} />
      {comparing && <Compare close={() => setComparing(false)} />}
    </div>
  );
}

/** What the server refuses is told at the field that it names, else by the run itself. */
async function follow(run: Run, setWrong: (wrong: Record<string, string>) => void): Promise<void> {
  try {
    await make(run);
  } catch (error) {
    const field = error instanceof Failed ? error.param?.replace(/^options\./, "") : null;
    if (field && !run.items.some((item) => item.text || item.asset)) {
      setWrong({ [field]: (error as Error).message });
      runs.value = runs.value.filter((one) => one !== run);
    } else if (!run.error) tell(error);
  }
}

function Empty() {
  return (
    <div class="empty">
      <h1>Generate</h1>
      <p>There is no model here yet. Train one on your own data, or import one.</p>
      <div class="row"><Button kind="first" act={() => go("train")}>Train a model</Button><Button act={() => go("models")}>Import one</Button></div>
    </div>
  );
}
