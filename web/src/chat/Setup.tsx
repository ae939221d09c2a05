// How a chat is asked: model, what the model is told first, how it is drawn, tools, and a form of answers.
import { useEffect, useState } from "preact/hooks";
import { Button } from "../look/Button";
import { Field } from "../look/Field";
import { type Fields } from "./chats";
import { MEASURED, type Option, reading, toolsIn, useForm, written } from "./fields";

export interface SetupProps {
  fields: Fields;
  save: (fields: Partial<Fields>) => Promise<void>;
}

interface Typed {
  system: string;
  tools: string;
  schema: string;
  sure: boolean;
  options: Record<string, string>;
}

function typedOf(fields: Fields, options: Option[]): Typed {
  const form = fields.settings.response_format as { json_schema?: { schema?: unknown } } | undefined;
  return {
    system: fields.system,
    tools: fields.tools.length ? JSON.stringify(fields.tools, null, 2) : "",
    schema: form?.json_schema ? JSON.stringify(form.json_schema.schema, null, 2) : "",
    sure: fields.settings.logprobs === true,
    options: Object.fromEntries(options.map((one) => [one.name, written(fields.settings[one.name])])),
  };
}

export function Setup({ fields, save }: SetupProps) {
  const form = useForm(fields.model);
  const start = () => typedOf(fields, form.options);
  const [typed, setTyped] = useState(start);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const before = JSON.stringify(start());
  useEffect(() => setTyped(start()), [before]);
  const write = (more: Partial<Typed>) => setTyped({ ...typed, ...more });

  async function kept() {
    const bad: Record<string, string> = {};
    const attempt = <T,>(name: string, read: () => T): T | undefined => {
      try {
        return read();
      } catch (error) {
        bad[name] = (error as Error).message;
        return undefined;
      }
    };
    const named = new Set([...form.options.map((one) => one.name), "logprobs", "top_logprobs", "response_format"]);
    const settings: Record<string, unknown> = Object.fromEntries(Object.entries(fields.settings).filter(([name]) => !named.has(name)));
    for (const one of form.options) {
      const value = attempt(one.name, () => reading(one, typed.options[one.name] ?? ""));
      if (value !== undefined) settings[one.name] = value;
    }
    if (typed.sure) Object.assign(settings, MEASURED);
    if (typed.schema.trim()) {
      const schema = attempt("schema", () => JSON.parse(typed.schema) as unknown);
      settings.response_format = { type: "json_schema", json_schema: { name: "answer", schema } };
    }
    const tools = attempt("tools", () => toolsIn(typed.tools)) ?? [];
    setWrong(bad);
    if (Object.keys(bad).length) throw new Error("Something is not as it is expected: see the fields.");
    await save({ system: typed.system, settings, tools });
  }

  return (
    <form class="chat-setup stack" aria-label="Setup" onSubmit={(event) => event.preventDefault()}>
      {form.kind === "text" && <p class="notice">This model has no turns: it goes on with the text of the chat.</p>}
      {form.kind !== "text" && (
        <Field name="System prompt" help="What the model is told before the first turn.">
          {(tied) => <textarea {...tied} class="input" rows={3} value={typed.system} onInput={(event) => write({ system: event.currentTarget.value })} />}
        </Field>
      )}
      <div class="chat-options">
        {form.options.map((one) => (
          <Field key={one.name} name={one.name.replaceAll("_", " ")} wrong={wrong[one.name]} help={one.about}>
            {(tied) => <Value tied={tied} option={one} value={typed.options[one.name] ?? ""} write={(value) => write({ options: { ...typed.options, [one.name]: value } })} />}
          </Field>
        ))}
      </div>
      <label class="row"><input type="checkbox" checked={typed.sure} onChange={(event) => write({ sure: event.currentTarget.checked })} /> Measure how sure it is of each token</label>
      {form.kind !== "text" && (
        <Field name="Tools" wrong={wrong.tools} help="Functions as JSON. Calls are shown, and you answer them: nothing is run.">
          {(tied) => <textarea {...tied} class="input chat-json" rows={4} spellcheck={false} placeholder={'[{"name": "look_up", "parameters": {"type": "object", …}}]'} value={typed.tools} onInput={(event) => write({ tools: event.currentTarget.value })} />}
        </Field>
      )}
      <Field name="Form of the answer" wrong={wrong.schema} help="A JSON schema that every answer has to meet.">
        {(tied) => <textarea {...tied} class="input chat-json" rows={3} spellcheck={false} value={typed.schema} onInput={(event) => write({ schema: event.currentTarget.value })} />}
      </Field>
      <div class="row"><Button kind="first" act={kept} disabled={JSON.stringify(typed) === before}>Apply</Button>
        {JSON.stringify(typed) !== before && <span class="small faint">Not applied yet</span>}</div>
    </form>
  );
}

function Value({ tied, option, value, write }: { tied: object; option: Option; value: string; write: (value: string) => void }) {
  if (option.choices?.length) {
    return (
      <select {...tied} class="input" value={value} onChange={(event) => write(event.currentTarget.value)}>
        <option value="">Not set</option>
        {option.choices.map((one) => <option key={one} value={String(one)}>{one}</option>)}
      </select>
    );
  }
  const usual = option.default === null || option.default === undefined ? "" : String(option.default);
  if (option.name === "stop") return <textarea {...tied} class="input" rows={2} placeholder="One a line" value={value} onInput={(event) => write(event.currentTarget.value)} />;
  const number = option.kind === "number" || option.kind === "integer";
  return <input {...tied} class="input number" inputMode={number ? "decimal" : "text"} autocomplete="off" placeholder={usual || "not set"} value={value} onInput={(event) => write(event.currentTarget.value)} />;
}
