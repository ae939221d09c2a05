// How much of each may be used in a day; what is left empty has no end.
import { Field } from "../look/Field";
import { DAILY, type Quotas } from "./told";

export function QuotaFields({ most, change }: { most: Quotas; change: (most: Quotas) => void }) {
  return (
    <fieldset class="field">
      <legend class="admin-legend">Quotas a day (UTC)</legend>
      <div class="admin-quotas">
        {DAILY.map((unit) => (
          <Field key={unit} name={unit}>
            {(tied) => (
              <input {...tied} class="input number" type="number" min="0" step="any" placeholder="no end" value={most[unit] ?? ""}
                onInput={(e) => {
                  const { [unit]: _, ...rest } = most;
                  change(e.currentTarget.value === "" ? rest : { ...rest, [unit]: Number(e.currentTarget.value) });
                }} />
            )}
          </Field>
        ))}
      </div>
    </fieldset>
  );
}
