// Curves of several trainings over each other.
import { useEffect, useState } from "preact/hooks";
import { Curves } from "./Curves";
import { useLog } from "./following";
import { type Curve, curvesOf } from "./measures";

export function Compare({ names, live }: { names: string[]; live: boolean }) {
  const [all, setAll] = useState<Record<string, Curve[]>>({});
  const curves = names.flatMap((name) => all[name] ?? []);
  return (
    <div class="panel">
      {names.map((name) => <Heard key={name} name={name} live={live} hear={(some) => setAll((was) => ({ ...was, [name]: some }))} />)}
      <Curves curves={curves} label="compared" />
    </div>
  );
}

/** A hook cannot be called in a loop: a run each. */
function Heard({ name, live, hear }: { name: string; live: boolean; hear: (curves: Curve[]) => void }) {
  const { events } = useLog(name, live);
  useEffect(() => hear(curvesOf(name, events)), [events]);
  return null;
}
