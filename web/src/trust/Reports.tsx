// Every model that is offered, as the way to its report.
import type { Model } from "../api/models";
import { useAsked } from "../api/asked";
import { when } from "../look/numbers";
import { Weave } from "../look/Weave";
import { said } from "../shell/notices";
import { to } from "../shell/router";

export function Reports() {
  const models = useAsked<{ data: Model[] }>("/v1/models");
  if (models.error) return <p class="notice bad">{said(models.error)}</p>;
  if (!models.data) return <p class="faint" aria-busy="true">Loading…</p>;
  if (!models.data.data.length) {
    return (
      <div class="empty">
        <p>There is no model yet, so there is nothing to report on.</p>
        <a class="button first" href={to("train")}>Train one</a>
      </div>
    );
  }
  return (
    <div class="stack">
      <p class="faint">
        A report puts together how good a model was measured to be, how near its samples are to what it learnt from,
        and where its data came from. What was not measured stands there as such.
      </p>
      <ul class="trust-models">
        {models.data.data.map((one) => (
          <li key={one.id}>
            <a href={to("trust", ["reports", one.id])}>
              <Weave of={one.weights || one.id} size={40} />
              <span class="fill">
                <strong class="cut">{one.id}</strong>
                <span class="faint small">{one.medium}, made {when(one.created)}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
