// The tools that an answer calls, with their arguments; what they found is given by the person.
import { useState } from "preact/hooks";
import { Button } from "../look/Button";
import { Field } from "../look/Field";
import type { Call, Turn } from "./chats";
import type { Talk } from "./talk";
import { Code } from "./text/Code";

export function Calls({ talk, turn, open }: { talk: Talk; turn: Turn; open: boolean }) {
  const calls = (turn.calls ?? []).filter(Boolean);
  const [found, setFound] = useState<Record<string, string>>({});
  const give = () => talk.say(turn.id, calls.map((call) => ({ role: "tool", text: found[call.id] ?? "", call_id: call.id })));
  return (
    <div class="chat-calls stack">
      {calls.map((call) => (
        <section key={call.id} aria-label={`Call of ${call.name}`}>
          <h3>Calls <code>{call.name}</code></h3>
          <Code text={pretty(call)} language="json" />
          {open && (
            <Field name={`What ${call.name} found`} help="Nothing is run here: type or paste the answer of the tool.">
              {(tied) => <textarea {...tied} class="input" rows={2} value={found[call.id] ?? ""} onInput={(event) => setFound({ ...found, [call.id]: event.currentTarget.value })} />}
            </Field>
          )}
        </section>
      ))}
      {open && <div><Button kind="first" act={give}>{calls.length > 1 ? "Give the answers" : "Give the answer"}</Button></div>}
    </div>
  );
}

function pretty(call: Call): string {
  try {
    return JSON.stringify(JSON.parse(call.arguments), null, 2);
  } catch {
    return call.arguments;
  }
}
