// The form of the chosen model: its prompt, what it is given, how many, the seed, and its options,
// of which the rarer are folded away.
import { Button } from "../look/Button";
import { Field } from "../look/Field";
import { acts, type Body, change, draftOf, isWhole, LARGEST, rolled, takesPrompt, usualCount } from "./drafts";
import { FIELD_OF, type Form, type Option } from "./form";
import { GivenField } from "./GivenField";
import { OptionField } from "./OptionField";
import { PromptField } from "./PromptField";
import { askable } from "./where";
import { WhereField } from "./WhereField";

const FIRST = new Set(["size", "steps", "guidance", "strength", "max_tokens", "temperature", "voice", "speed", "consent"]);
const NAMES: Record<string, string> = { image: "Picture to begin from", mask: "Mask", control: "Picture to follow" };

export interface AskingProps {
  form: Form;
  wrong: Record<string, string>;
  more: boolean;
  setMore: (more: boolean) => void;
  /** Something in the form is another now: what was wrong may not be so any more. */
  changed: () => void;
}

export function Asking({ form, wrong, more, setMore, changed }: AskingProps) {
  const draft = draftOf(form.model);
  const put = (some: Partial<typeof draft>) => {
    change(form.model, some);
    changed();
  };
  const given = draft.given as Body;
  const options = form.options.filter((one) => acts(one.needs, given));
  const [first, rest] = [options.filter((one) => FIRST.has(one.name)), options.filter((one) => !FIRST.has(one.name))];
  const field = (option: Option) => (
    <OptionField key={option.name} option={option} value={draft.values[option.name] ?? ""} wrong={wrong[option.name]}
      set={(value) => put({ values: { ...draft.values, [option.name]: value } })} />
  );
  const files = Object.entries(form.takes).map(([kind, media]) => [FIELD_OF[kind] ?? kind, media] as const);
  const others = rest.filter((one) => draft.values[one.name]).length;
  const opened = more || rest.some((one) => wrong[one.name]);
  return (
    <div class="stack">
      {takesPrompt(form) && <PromptField form={form} value={draft.prompt} wrong={wrong.prompt} set={(prompt) => put({ prompt })} />}
      {form.columns && askable(form.columns).length > 0 && (
        <WhereField columns={form.columns} conditions={draft.where} wrong={wrong.where} set={(where) => put({ where })} />
      )}
      {files.filter(([name]) => name !== "mask" || draft.given.image).map(([name, media]) => (
        <GivenField key={name} name={named(name, media)} media={media} given={draft.given[name]} over={name === "mask" ? draft.given.image : undefined} wrong={wrong[name]}
          set={(one) => put({ given: without(draft.given, name === "image" ? ["image", "mask"] : [name], one && { [name]: one }) })} />
      ))}
      <div class="generate-pair">
        <Field name={isWhole(form) ? "Rows" : "How many"} wrong={wrong.count}>
          {(tied) => <input {...tied} class="input number" inputMode="numeric" value={draft.count} placeholder={String(usualCount(form))} onInput={(e) => put({ count: e.currentTarget.value })} />}
        </Field>
        <Field name="Seed" wrong={wrong.seed}>
          {(tied) => (
            <div class="generate-seed">
              <input {...tied} class="input number" inputMode="numeric" value={draft.seed} onInput={(e) => put({ seed: e.currentTarget.value, locked: true, first: 0 })} />
              <Button square aria-label={`Another seed, of 0 to ${LARGEST}`} title="Another seed" act={() => put({ seed: rolled(), first: 0 })}><Die /></Button>
              <Button square aria-pressed={draft.locked} aria-label="Keep the seed" title={draft.locked ? "The seed stays" : "A new seed each time"}
                act={() => put({ locked: !draft.locked })}><Lock closed={draft.locked} /></Button>
            </div>
          )}
        </Field>
      </div>
      {!isWhole(form) && Boolean(draft.first) && (
        <p class="small faint">From no. <span class="number">{draft.first! + 1}</span> of that seed on. <button type="button" class="generate-usual" onClick={() => put({ first: 0 })}>from no. 1</button></p>
      )}
      {first.length > 0 && <div class="generate-options">{first.map(field)}</div>}
      {rest.length > 0 && (
        <details open={opened} onToggle={(e) => setMore(e.currentTarget.open)}>
          <summary>More options{others > 0 && <span class="tag">{others} changed</span>}</summary>
          {opened && <div class="generate-options">{rest.map(field)}</div>}
        </details>
      )}
    </div>
  );
}

/** A recording to begin from is a voice where its owner's consent is asked for, else a sound. */
function named(name: string, media: string[]): string {
  const heard = media.every((one) => one.startsWith("audio/"));
  return heard && name === "image" ? "Recording of a voice or sound" : (NAMES[name] ?? name);
}

function without<T>(all: Record<string, T>, names: string[], more: Record<string, T> | null): Record<string, T> {
  return { ...Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name))), ...more };
}

const Die = () => (
  <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><rect x="3" y="3" width="14" height="14" fill="none" stroke="currentColor" stroke-width="1.5" />
    {[[7, 7], [13, 13], [10, 10], [13, 7], [7, 13]].map(([x, y]) => <circle key={`${x}${y}`} cx={x} cy={y} r="1.3" fill="currentColor" />)}
  </svg>
);
const Lock = ({ closed }: { closed: boolean }) => (
  <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d={closed ? "M6 9V6a4 4 0 0 1 8 0v3M4 9h12v8H4z" : "M6 9V6a4 4 0 0 1 7.5-2M4 9h12v8H4z"} fill="none" stroke="currentColor" stroke-width="1.5" /></svg>
);
