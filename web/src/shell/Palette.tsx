// Anywhere in a few keys: rooms and models by a few letters of their names (Control+K), and what the
// keyboard does here (?).
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Model } from "../api/models";
import { useAsked } from "../api/asked";
import { Dialog } from "../look/Dialog";
import { Weave } from "../look/Weave";
import { bound } from "./keys";
import { ROOMS } from "./rooms";
import { to } from "./router";
import { type Theme, theme } from "./theme";
import { key, setKey } from "../api/key";
import { locked } from "../api/client";

interface Choice {
  name: string;
  about: string;
  weave?: string;
  act: () => void;
}

const THEMES: [Theme, string][] = [["light", "Light"], ["dark", "Dark"], ["system", "Light or dark as the system has it"]];

/** What is done here and now, and no place to go to. */
function deeds(): Choice[] {
  const looks = THEMES.map(([id, name]) => ({ name, about: "look", act: () => void (theme.value = id) }));
  const leave = { name: "Forget the key of this tab", about: "key", act: () => { setKey(""); locked.value = true; } };
  return key() ? [...looks, leave] : looks;
}

const visit = (href: string) => () => void (location.hash = href);

export function Palette({ close }: { close: () => void }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const models = useAsked<{ data: Model[] }>("/v1/models");
  const all = useMemo<Choice[]>(
    () => [
      ...Object.entries(ROOMS).map(([id, room]) => ({ name: room.name, about: "room", act: visit(to(id)) })),
      ...(models.data?.data ?? []).map((m) => ({ name: m.id, about: m.medium, weave: m.weights || m.id, act: visit(to("models", [m.id])) })),
      ...deeds(),
    ],
    [models.data],
  );
  const finds = (letters: string) => all.filter((one) => spelt(letters, one.name)).slice(0, 12);
  const found = finds(typed);
  useEffect(() => setAt(0), [typed]);
  function pressed(event: KeyboardEvent) {
    const now = (event.currentTarget as HTMLInputElement).value; // Enter may come before what was typed is drawn
    const choice = now === typed ? found[at] : finds(now)[0];
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Enter" && choice) chosen(choice);
    else return;
    event.preventDefault();
  }
  function chosen(one: Choice) {
    close();
    one.act();
  }
  return (
    <Dialog title="Go to" close={close}>
      <input class="input" autofocus placeholder="A room or a model" aria-label="A room or a model" value={typed} role="combobox"
        aria-expanded="true" aria-controls="palette" aria-activedescendant={found[at] ? `palette-${at}` : undefined}
        onInput={(e) => setTyped(e.currentTarget.value)} onKeyDown={pressed} />
      <ul id="palette" class="choices" role="listbox" aria-label="Found">
        {found.map((one, n) => (
          <li key={`${one.about} ${one.name}`} id={`palette-${n}`} role="option" aria-selected={n === at}
            onClick={() => chosen(one)}>
            {one.weave ? <Weave of={one.weave} size={24} /> : <span class="weave blank" />}
            <span class="fill cut">{one.name}</span>
            <span class="faint small">{one.about}</span>
          </li>
        ))}
      </ul>
      {!found.length && <p class="faint">No room, model or command has these letters.</p>}
    </Dialog>
  );
}

/** The letters occur in the name, in their order. */
function spelt(typed: string, name: string): boolean {
  let at = 0;
  const low = name.toLowerCase();
  return [...typed.toLowerCase()].every((letter) => (at = low.indexOf(letter, at) + 1) > 0);
}

export function KeyHelp({ close }: { close: () => void }) {
  return (
    <Dialog title="Keys" close={close}>
      <dl class="keys">
        {bound.value.map((one) => (
          <div key={one.keys}>
            <dt>{one.keys.split(" ").map((name) => <kbd key={name}>{name.replace("Control+", "Ctrl ")}</kbd>)}</dt>
            <dd>{one.about}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
