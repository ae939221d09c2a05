// What one may expect of a training: what the preset came to where it was measured, between its floor
// and its ceiling, with the source; and that other data are other data.
import { figure } from "../look/numbers";
import type { Expectation } from "./told";

export function Expected({ quality }: { quality: Expectation | null }) {
  if (!quality) return <p class="small faint">Quality: not known before it has learnt these data. This preset was not measured on others.</p>;
  const { metric, value, higher, floor, floor_is, ceiling, ceiling_is, data, size, minutes, machine, source } = quality;
  const took = minutes === null ? machine : `${figure(minutes)} min of ${machine}`;
  const ends: [string | null, number | null][] = [[floor_is, floor], [ceiling_is, ceiling]];
  return (
    <section class="train-expected" aria-label="What to expect">
      <p><b>{metric}</b> <span class="number">{figure(value)}</span> <span class="small faint">{higher ? "more is better" : "less is better"}</span></p>
      <p class="small faint">
        {ends.filter(([, at]) => at !== null).map(([name, at]) => <span key={name}>{name} <span class="number">{figure(at!)}</span>; </span>)}
        measured on {data}{size ? `, ${size}` : ""}, {took}.
      </p>
      <p class="small">On other data it is another: what it comes to on these is known once it has learnt them. <span class="faint">{source}</span></p>
    </section>
  );
}
