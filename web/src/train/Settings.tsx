// Every value of the recipe, with its meaning, to be changed: the same as --set on the command line.
// What cannot be is said by the recipe's own judge, through the plan.
import { useState } from "preact/hooks";
import { Field } from "../look/Field";
import { linesOf } from "./draft";
import type { Setting } from "./told";

export interface SettingsProps {
  settings: Setting[] | null;
  changes: string;
  put: (name: string, value: string | null) => void;
  write: (changes: string) => void;
  wrong: string | null;
}

export function Settings({ settings, changes, put, write, wrong }: SettingsProps) {
  const [sought, setSought] = useState("");
  const changed = new Map(linesOf(changes).map((line) => [line.split("=")[0]!.trim(), line.slice(line.indexOf("=") + 1)]));
  const shown = (settings ?? []).filter((one) => `${one.name} ${one.about ?? ""}`.toLowerCase().includes(sought.toLowerCase()));
  return (
    <div class="stack">
      <Field name="Changes of the recipe" help="A line each, such as train.steps=200; as --set on the command line." wrong={wrong}>
        {(tied) => <textarea {...tied} class="input number" rows={Math.min(8, Math.max(2, linesOf(changes).length + 1))} spellcheck={false} value={changes} onInput={(e) => write(e.currentTarget.value)} />}
      </Field>
      {settings && (
        <details class="train-settings">
          <summary>All settings and their meanings ({settings.length})</summary>
          <input class="input" type="search" aria-label="Find a setting" placeholder="Find a setting" value={sought} onInput={(e) => setSought(e.currentTarget.value)} />
          <ul>
            {shown.map((one) => (
              <li key={one.name} class={changed.has(one.name) ? "changed" : ""}>
                <label>
                  <span class="number">{one.name}</span>
                  <input class="input number" value={changed.get(one.name) ?? plain(one.value)}
                    onChange={(e) => put(one.name, e.currentTarget.value.trim() === "" ? null : e.currentTarget.value.trim())} />
                </label>
                {one.about && <span class="faint small">{one.about}</span>}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

const plain = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
