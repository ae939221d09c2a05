// The models at hand as bolts of cloth, one of which is chosen; a few letters find one among many.
import { useState } from "preact/hooks";
import type { Model } from "../api/models";
import { Weave } from "../look/Weave";

const MANY = 8;

export function ModelPick({ models, chosen, choose }: { models: Model[]; chosen: string; choose: (model: string) => void }) {
  const [typed, setTyped] = useState("");
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found = models.filter((one) => one.id === chosen || words.every((word) => `${one.id} ${one.medium}`.toLowerCase().includes(word)));
  return (
    <fieldset class="generate-models">
      <legend class="visually-hidden">Model</legend>
      {models.length > MANY && (
        <input class="input" type="search" aria-label="Find a model" placeholder={`Find among ${models.length} models`} value={typed}
          onInput={(e) => setTyped(e.currentTarget.value)} />
      )}
      <div class="generate-bolts">
        {found.map((one) => (
          <label key={one.id} class="generate-bolt">
            <input type="radio" class="visually-hidden" name="model" value={one.id} checked={one.id === chosen} onChange={() => choose(one.id)} />
            <Weave of={one.weights || one.id} size={32} />
            <span class="fill"><b class="cut">{one.id}</b><span class="faint small">{one.medium}</span></span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
