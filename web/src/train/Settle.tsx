// The settings of a training to be, and its beginning: which preset, how long, from what, and changes
// of the recipe that its own judge accepts. What is sent twice begins once.
import type { Model } from "../api/models";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { Field } from "../look/Field";
import { tell } from "../shell/notices";
import { go } from "../shell/router";
import { askedOf, beginOnce } from "./beginning";
import { Conflicted } from "./Conflicted";
import { linesOf, useDraft, withChange } from "./draft";
import { Planned, usePlan } from "./Planned";
import { Settings } from "./Settings";
import type { Dataset, Preset, Understood, Wanted } from "./told";

export function Settle({ of, found, start }: { of: Dataset; found: Understood; start: string | null }) {
  const draft = useDraft(of, found, start);
  const { wanted, change } = draft;
  const preset = found.presets.find((one) => one.name === wanted.preset) ?? found.presets[0]!;
  const lacks = lacking(preset, wanted);
  const plan = usePlan(of.id, wanted, lacks === null);
  async function begin() {
    const { made, before } = await beginOnce(askedOf(of.id, wanted));
    tell(before ? "This very training was begun before: here it is. Change a setting, such as train.seed, for another." : "The training is begun.", "good");
    go("train", made ? ["run", made] : []);
  }
  return (
    <section class="stack train-settle" aria-label="Settings">
      <div class="row between"><h2>How it is to learn</h2><span class="faint small" role="status">{draft.conflict ? "not saved" : draft.saved ? "saved" : "saving…"}</span></div>
      {draft.conflict && <Conflicted conflict={draft.conflict} settle={draft.settle} />}
      <Field name="Preset" help={<About preset={preset} />}>
        {(tied) => (
          <select {...tied} class="input" value={preset.name} onChange={(e) => change({ preset: e.currentTarget.value })}>
            {found.presets.map((one) => <option key={one.name}>{one.name}</option>)}
          </select>
        )}
      </Field>
      <Length preset={preset} wanted={wanted} change={change} />
      <Models preset={preset} wanted={wanted} change={change} medium={found.medium} />
      <Field name="A word for its name" help="The model is called by the preset, this word and a few letters." wrong={wanted.name && !NAME.test(wanted.name) ? "Letters, digits, dots and dashes; up to 64." : null}>
        {(tied) => <input {...tied} class="input" value={wanted.name} onInput={(e) => change({ name: e.currentTarget.value })} />}
      </Field>
      {found.licence === "unknown" && (
        <Field name="Licence of the data" help="None lies beside it. What you say is kept in the model's card." wrong={LICENCE.test(wanted.licence) ? null : "An SPDX name, such as CC-BY-4.0."}>
          {(tied) => <input {...tied} class="input" value={wanted.licence} placeholder="unknown" onInput={(e) => change({ licence: e.currentTarget.value })} />}
        </Field>
      )}
      <Planned plan={plan} />
      {lacks && <p class="notice warn">{lacks}</p>}
      <Button kind="first" act={begin} disabled={lacks !== null || plan.wrong !== null || plan.asking || !plan.plan}>Train</Button>
      <Settings settings={plan.plan?.settings ?? null} changes={wanted.changes} put={(name, value) => change({ changes: withChange(wanted.changes, name, value) })}
        write={(changes) => change({ changes })} wrong={plan.wrong} />
    </section>
  );
}

const LICENCE = /^[A-Za-z0-9.+ -]{0,100}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

function lacking(preset: Preset, wanted: Wanted): string | null {
  if (preset.needs_start && !wanted.start) return "This preset goes on from a model: choose one.";
  if (preset.needs_teacher && !wanted.teacher) return "This preset learns from a model: choose its teacher.";
  const built = preset.builds_on.filter((name) => !linesOf(wanted.changes).some((line) => line.startsWith(`codec.${name}=`)));
  if (built.length) return `This preset is built on a model of yours: add the change codec.${built[0]}=NAME.`;
  if (!LICENCE.test(wanted.licence)) return "The licence cannot be taken.";
  return wanted.name && !NAME.test(wanted.name) ? "The word for its name cannot be taken." : null;
}

function About({ preset }: { preset: Preset }) {
  const [head, ...rest] = preset.about.split("\n\n");
  return (
    <details class="train-about">
      <summary>{head}</summary>
      <p>{rest.join("\n\n")}</p>
    </details>
  );
}

type Change = (values: Partial<Wanted>) => void;

function Length({ preset, wanted, change }: { preset: Preset; wanted: Wanted; change: Change }) {
  const usual = preset.minutes[wanted.size];
  return (
    <fieldset class="stack">
      <legend class="visually-hidden">How long</legend>
      <div class="row" role="radiogroup" aria-label="How long">
        {(["minutes", "size"] as const).map((one) => (
          <label key={one} class="row"><input type="radio" name="train-length" checked={wanted.length === one} onChange={() => change({ length: one })} /> {one === "minutes" ? "By minutes" : "By size"}</label>
        ))}
      </div>
      {wanted.length === "minutes" ? (
        <Field name="Minutes" help="Size, batch and schedule follow from them and from a probe of this machine.">
          {(tied) => <input {...tied} class="input number" type="number" min={0.1} max={10080} step="any" value={wanted.minutes}
            onInput={(e) => e.currentTarget.valueAsNumber > 0 && change({ minutes: e.currentTarget.valueAsNumber })} />}
        </Field>
      ) : (
        <Field name="Size" help={usual ? `Meant for about ${usual} minutes on two cores.` : "As long as its steps take."}>
          {(tied) => (
            <select {...tied} class="input" value={wanted.size} onChange={(e) => change({ size: e.currentTarget.value })}>
              {preset.sizes.map((one) => <option key={one}>{one}</option>)}
            </select>
          )}
        </Field>
      )}
    </fieldset>
  );
}

function Models({ preset, wanted, change, medium }: { preset: Preset; wanted: Wanted; change: Change; medium: string }) {
  const models = useAsked<{ data: Model[] }>("/v1/models");
  const all = models.data?.data ?? [];
  const near = all.slice().sort((a, b) => Number(b.medium === medium) - Number(a.medium === medium));
  const pick = (value: string, set: (name: string) => void, none: string) => (tied: object) => (
    <select {...tied} class="input" value={value} onChange={(e) => set(e.currentTarget.value)}>
      <option value="">{none}</option>
      {near.map((one) => <option key={one.id} value={one.id}>{one.id}</option>)}
    </select>
  );
  return (
    <>
      <Field name="Goes on from" help={wanted.start ? "Its vocabulary and net are kept." : undefined}>
        {pick(wanted.start, (start) => change({ start, ...(start ? {} : { adapter: "" }) }), "Nothing: new weights")}
      </Field>
      {wanted.start && (
        <Field name="What moves" help="Low-rank parts stand beside frozen weights; they are small and quick.">
          {(tied) => (
            <select {...tied} class="input" value={wanted.adapter} onChange={(e) => change({ adapter: e.currentTarget.value })}>
              <option value="">All weights</option>
              <option value="lora">Low-rank parts (LoRA)</option>
              <option value="dora">Low-rank parts and lengths (DoRA)</option>
            </select>
          )}
        </Field>
      )}
      {preset.needs_teacher && <Field name="Teacher">{pick(wanted.teacher, (teacher) => change({ teacher }), "Choose a model")}</Field>}
    </>
  );
}
