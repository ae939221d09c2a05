// What is wished for: free words, one of the model's labels, or words of those it knows.
import { useId } from "preact/hooks";
import { Field } from "../look/Field";
import { Secrets } from "../shell/Secrets";
import type { Form } from "./form";

export interface PromptFieldProps {
  form: Form;
  value: string;
  wrong?: string | null;
  set: (value: string) => void;
}

const SHOWN = 24;

export function PromptField({ form, value, wrong, set }: PromptFieldProps) {
  const list = useId();
  const { kind, choices = [], words = [] } = form.prompt;
  if (kind === "label" && choices.length && choices.length <= SHOWN) {
    return (
      <fieldset class="field">
        <legend class="name">Prompt</legend>
        <div class="row generate-labels">
          {["", ...choices].map((one) => (
            <label key={one} class="button">
              <input type="radio" class="visually-hidden" name="prompt" value={one} checked={value === one} onChange={() => set(one)} />
              {one || <span class="faint">any</span>}
            </label>
          ))}
        </div>
        {wrong && <div class="wrong" role="alert">{wrong}</div>}
      </fieldset>
    );
  }
  const long = form.texts || kind === "text";
  const known = words.length ? `The words it knows: ${words.slice(0, 12).join(", ")}${words.length > 12 ? " …" : ""}` : undefined;
  return (
    <Field name="Prompt" wrong={wrong} help={form.texts ? "The text goes on from here. Leave it empty for one from the start." : known}>
      {(tied) => long ? (
        <>
          <textarea {...tied} class="input generate-prompt" rows={form.texts ? 4 : 2} value={value} onInput={(e) => set(e.currentTarget.value)} />
          <Secrets text={value} kept="It would stand in the record of what is made of it." set={set} />
        </>
      ) : (
        <>
          <input {...tied} class="input" value={value} list={list} autocomplete="off" placeholder="any" onInput={(e) => set(e.currentTarget.value)} />
          <datalist id={list}>{choices.map((one) => <option key={one} value={one} />)}</datalist>
        </>
      )}
    </Field>
  );
}
