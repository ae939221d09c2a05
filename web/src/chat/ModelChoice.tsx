// Which model answers: those that are known to hold conversations, those that go on with texts, and those
// of which the server knows more once they are opened.
import { useEffect } from "preact/hooks";
import { useAsked } from "../api/asked";
import type { Model } from "../api/models";
import { Weave } from "../look/Weave";

export function ModelChoice({ model, choose }: { model: string | null; choose: (model: string) => unknown }) {
  const all = useAsked<{ data: Model[] }>("/v1/models");
  const models = all.data?.data ?? [];
  const groups = [
    ["Conversations", models.filter((one) => one.chats)],
    ["Texts that go on", models.filter((one) => one.texts && one.chats === false)],
    ["Not opened yet", models.filter((one) => one.chats === undefined)],
  ] as const;
  const first = groups[0][1][0]?.id;
  useEffect(() => {
    if (!model && first) choose(first);
  }, [model, first]);
  const chosen = models.find((one) => one.id === model);
  return (
    <span class="row chat-model">
      <Weave of={chosen?.weights || model || "none"} size={28} />
      <select class="input" aria-label="Model" value={model ?? ""} onChange={(event) => choose(event.currentTarget.value)}>
        {!model && <option value="">Choose a model</option>}
        {model && !chosen && <option value={model}>{model} (not here)</option>}
        {groups.map(([name, some]) => some.length > 0 && (
          <optgroup key={name} label={name}>{some.map((one) => <option key={one.id} value={one.id}>{one.id}</option>)}</optgroup>
        ))}
      </select>
    </span>
  );
}
