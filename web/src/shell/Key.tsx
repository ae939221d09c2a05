// Asked for once the server wants a key.
import { useState } from "preact/hooks";
import { get, locked } from "../api/client";
import { setKey } from "../api/key";
import { Button } from "../look/Button";
import { Field } from "../look/Field";

export function Key() {
  const [value, setValue] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  async function enter(event: Event) {
    event.preventDefault();
    setKey(value.trim());
    try {
      await get("/v1/models");
      locked.value = false;
    } catch (error) {
      setKey("");
      setWrong((error as Error).message);
    }
  }
  return (
    <main class="gate" id="room">
      <form class="panel stack" onSubmit={enter}>
        <h1>This server has keys</h1>
        <Field name="Key" wrong={wrong} help="It stays in this tab and goes when the tab is closed. genloom keys create NAME makes one.">
          {(tied) => (
            <input {...tied} class="input" type="password" autocomplete="off" placeholder="gl-…" value={value}
              onInput={(e) => setValue(e.currentTarget.value)} />
          )}
        </Field>
        <Button kind="first" type="submit" disabled={!value.trim()}>Enter</Button>
      </form>
    </main>
  );
}
