// Tabs by the pattern screen readers know: arrows move, the chosen one alone is in the tab order.
import type { ComponentChildren } from "preact";
import { useEffect, useId } from "preact/hooks";

export interface TabsProps {
  label: string;
  tabs: readonly (readonly [id: string, name: string])[];
  chosen: string;
  choose: (id: string) => void;
  children: ComponentChildren;
}

export function Tabs({ label, tabs, chosen, choose, children }: TabsProps) {
  const base = useId();
  useEffect(() => document.getElementById(`${base}-${chosen}`)?.scrollIntoView({ block: "nearest", inline: "nearest" }), [chosen]);
  function moved(event: KeyboardEvent) {
    const at = tabs.findIndex(([id]) => id === chosen);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step && tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    event.preventDefault();
    choose(next[0]);
    document.getElementById(`${base}-${next[0]}`)?.focus();
  }
  return (
    <div class="stack">
      <div class="tabs" role="tablist" aria-label={label} onKeyDown={moved}>
        {tabs.map(([id, name]) => (
          <button key={id} id={`${base}-${id}`} type="button" role="tab" aria-selected={id === chosen}
            aria-controls={`${base}-panel`} tabIndex={id === chosen ? 0 : -1} onClick={() => choose(id)}>
            {name}
          </button>
        ))}
      </div>
      <div id={`${base}-panel`} role="tabpanel" aria-labelledby={`${base}-${chosen}`}>{children}</div>
    </div>
  );
}
