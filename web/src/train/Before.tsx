// Data sets that were given before and may be learnt from again.
import { useAsked } from "../api/asked";
import { bytes, when } from "../look/numbers";
import { place, to } from "../shell/router";
import type { Dataset } from "./told";

export function Before() {
  const asked = useAsked<{ data: Dataset[]; has_more: boolean }>("/v1/datasets?limit=8");
  const start = place.value.query.get("start");
  const all = asked.data?.data ?? [];
  if (!all.length) return null;
  return (
    <section class="stack" aria-label="Data given before">
      <h2>Data given before</h2>
      <ul class="train-before">
        {all.map((one) => (
          <li key={one.id}>
            <a class="cut" href={to("train", ["data", one.id], start ? { start } : {})}><bdi>{one.name}</bdi></a>
            <span class="faint small">{one.path ? "of this machine" : bytes(one.bytes)} · {when(one.created_at)}{one.status === "ready" ? "" : one.status === "failed" ? " · cannot be read" : " · being read"}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
