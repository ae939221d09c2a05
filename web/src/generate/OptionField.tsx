// One option of a model, as its kind is filled in; what it is where nothing is written stands in it.
import { Field } from "../look/Field";
import { type Option, usual } from "./form";

export interface OptionFieldProps {
  option: Option;
  value: string;
  wrong?: string | null;
  set: (value: string) => void;
}

export function OptionField({ option, value, wrong, set }: OptionFieldProps) {
  const name = titled(option.name);
  const normal = usual(option);
  if (option.kind === "flag") {
    return (
      <label class="generate-flag">
        <input type="checkbox" checked={value ? value === "true" : option.default === true} onChange={(e) => set(String(e.currentTarget.checked))} />
        <span><b>{name}</b> <span class="faint small">{option.about}</span></span>
      </label>
    );
  }
  const back = value ? <button type="button" class="generate-usual" onClick={() => set("")}>usual{normal ? `: ${normal}` : ""}</button> : null;
  return (
    <Field name={name} help={option.about} wrong={wrong} beside={back}>
      {(tied) => <Control tied={tied} option={option} value={value} normal={normal} set={set} />}
    </Field>
  );
}

interface ControlProps extends OptionFieldProps {
  tied: object;
  normal: string;
}

function Control({ tied, option, value, normal, set }: ControlProps) {
  if (option.choices?.length) {
    return (
      <select {...tied} class="input" value={value} onChange={(e) => set(e.currentTarget.value)}>
        <option value="">{normal ? `${normal} (usual)` : "usual"}</option>
        {option.choices.filter((choice) => choice !== normal).map((choice) => <option key={choice} value={choice}>{choice}</option>)}
      </select>
    );
  }
  if (option.kind === "texts" || option.kind === "object" || option.name === "grammar") {
    const hint = option.kind === "texts" ? "one a line" : option.kind === "object" ? "{ … }" : "";
    return <textarea {...tied} class="input number" rows={2} value={value} placeholder={hint} spellcheck={false} onInput={(e) => set(e.currentTarget.value)} />;
  }
  const numeric = option.kind === "number" || option.kind === "integer";
  const text = (
    <input {...tied} class={`input${numeric ? " number" : ""}`} value={value} placeholder={normal || HINTS[option.kind] || ""} autocomplete="off"
      inputMode={numeric ? "decimal" : "text"} onInput={(e) => set(e.currentTarget.value)} />
  );
  if (!numeric || !option.likely) return text;
  const [low, high] = option.likely;
  const step = option.kind === "integer" ? 1 : Number(((high - low) / 100).toPrecision(1));
  return (
    <div class="generate-range">
      <input type="range" aria-label={`${titled(option.name)}, by sliding`} min={low} max={high} step={step} value={value || normal || low}
        onInput={(e) => set(e.currentTarget.value)} />
      {text}
    </div>
  );
}

const HINTS: Record<string, string> = { size: "64x64", margins: "0 0 0 0", interval: "0 1", directions: "0: 2.5" };

export const titled = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
