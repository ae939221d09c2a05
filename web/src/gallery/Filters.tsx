// Which things are meant: words, a model, a medium, days. What is chosen stands in the address.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../look/Button";
import { Field } from "../look/Field";
import { count } from "../look/numbers";
import { Weave } from "../look/Weave";
import type { Facets, Filter } from "./assets";

const PAUSE = 200; // ms without a key before it is looked for

export interface FiltersProps {
  filter: Filter;
  facets: Facets | null;
  set: (some: Partial<Filter>) => void;
  search: RefObject<HTMLInputElement | null>;
}

export function Filters({ filter, facets, set, search }: FiltersProps) {
  const [typed, setTyped] = useState(filter.query);
  useEffect(() => setTyped(filter.query), [filter.query]);
  useEffect(() => {
    if (typed === filter.query) return;
    const timer = setTimeout(() => set({ query: typed }), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  const [more, setMore] = useState(Boolean(filter.since || filter.until || filter.favourite || filter.old));
  const models = modelsOf(facets);
  const weights = models.get(filter.model)?.weights;
  return (
    <form class="gallery-filters" role="search" onSubmit={(e) => { e.preventDefault(); set({ query: typed }); }}>
      <Field name="Search" beside={<kbd>/</kbd>}>
        {(tied) => (
          <input {...tied} ref={search} class="input" type="search" placeholder="Words of the prompt, a seed, a label" maxLength={400} value={typed}
            onInput={(e) => setTyped(e.currentTarget.value)} />
        )}
      </Field>
      <Field name="Model" beside={weights && <Weave of={weights} size={16} />}>
        {(tied) => (
          <select {...tied} class="input" value={filter.model} onChange={(e) => set({ model: e.currentTarget.value })}>
            <option value="">All</option>
            {missing(filter.model, [...models.keys()]).map((name) => <option key={name} value={name}>{name}</option>)}
            {[...models].map(([name, one]) => <option key={name} value={name}>{name} ({count(one.count)})</option>)}
          </select>
        )}
      </Field>
      <Field name="Medium">
        {(tied) => (
          <select {...tied} class="input" value={filter.media} onChange={(e) => set({ media: e.currentTarget.value })}>
            <option value="">All</option>
            {missing(filter.media, (facets?.media ?? []).map((one) => one.media)).map((name) => <option key={name} value={name}>{name}</option>)}
            {facets?.media.map((one) => <option key={one.media} value={one.media}>{one.media} ({count(one.count)})</option>)}
          </select>
        )}
      </Field>
      <Button aria-expanded={more} aria-controls="gallery-more" act={() => setMore(!more)}>More</Button>
      <div class="gallery-more" id="gallery-more" hidden={!more}>
        <Field name="From">{(tied) => <input {...tied} class="input" type="date" value={filter.since} onChange={(e) => set({ since: e.currentTarget.value })} />}</Field>
        <Field name="To">{(tied) => <input {...tied} class="input" type="date" value={filter.until} onChange={(e) => set({ until: e.currentTarget.value })} />}</Field>
        <Button aria-pressed={filter.favourite} act={() => set({ favourite: !filter.favourite })}>Favourites</Button>
        <Button aria-pressed={filter.old} act={() => set({ old: !filter.old })}>Oldest first</Button>
      </div>
    </form>
  );
}

/** A choice in the address that nothing here has. */
const missing = (chosen: string, known: string[]) => (chosen && !known.includes(chosen) ? [chosen] : []);

/** Models by name; the same name may have had several weights. */
function modelsOf(facets: Facets | null): Map<string, { weights: string; count: number }> {
  const found = new Map<string, { weights: string; count: number }>();
  for (const one of facets?.models ?? []) {
    if (!one.model) continue;
    const before = found.get(one.model);
    found.set(one.model, { weights: before?.weights ?? one.model_weights ?? one.model, count: (before?.count ?? 0) + one.count });
  }
  return found;
}
