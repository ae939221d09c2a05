// The tree of a model: what it was made from to the left, what was made from it to the right. Threads
// are drawn behind; for those who cannot see them each is said in words.
import { useId } from "preact/hooks";
import { Weave } from "../look/Weave";
import { to } from "../shell/router";
import { laid, type Laid } from "./laying";
import type { Card, Node } from "./told";

export const WIDE = 184;
export const HIGH = 44;
export const GAP = 56;
export const ROOM = 12;
const ROLES: Record<string, string> = {
  start: "goes on from",
  teacher: "was taught by",
  averaged: "is an average with",
  autoencoder: "is made through",
};

export function Lineage({ at, lineage }: { at: string; lineage: Card["lineage"] }) {
  const id = useId();
  const { places, width, height } = laid(at, lineage, { wide: WIDE, high: HIGH, gap: GAP, room: ROOM });
  const alone = lineage.nodes.length < 2;
  return (
    <section class="panel stack" aria-labelledby={id}>
      <h2 id={id}>Lineage</h2>
      {alone ? <p class="faint">It was made from nothing but data, and no model here was made from it.</p> : (
        <div class="scroll-x" tabIndex={0} role="group" aria-label="Tree of models">
          <div class="models-tree" style={{ width: `${width}px`, height: `${height}px` }}>
            <svg width={width} height={height} aria-hidden="true">
              {lineage.edges.map((edge) => <Thread key={`${edge.parent}\n${edge.child}`} from={places.get(edge.parent)} to={places.get(edge.child)} />)}
            </svg>
            {lineage.nodes.map((node) => {
              const place = places.get(node.id);
              return place && <Knot key={node.id} node={node} place={place} current={node.id === at} />;
            })}
          </div>
        </div>
      )}
      {!alone && (
        <ul class="models-edges small faint">
          {lineage.edges.map((edge) => <li key={`${edge.parent}\n${edge.child}`}>{edge.child} {ROLES[edge.role] ?? `has as ${edge.role}`} {edge.parent}</li>)}
        </ul>
      )}
    </section>
  );
}

function Thread({ from, to: end }: { from: Laid | undefined; to: Laid | undefined }) {
  if (!from || !end) return null;
  const [x, y, u, v] = [from.x + WIDE, from.y + HIGH / 2, end.x, end.y + HIGH / 2];
  const bend = (u - x) / 2;
  return <path d={`M${x} ${y}C${x + bend} ${y} ${u - bend} ${v} ${u} ${v}`} class="thread" />;
}

function Knot({ node, place, current }: { node: Node; place: Laid; current: boolean }) {
  const inside = (
    <>
      <Weave of={node.weights || node.id} size={28} />
      <span class="fill">
        <span class="cut">{node.id}</span>
        <span class="faint small cut">{node.here ? node.medium : "not here any more"}</span>
      </span>
    </>
  );
  const style = { left: `${place.x}px`, top: `${place.y}px`, width: `${WIDE}px`, height: `${HIGH}px` };
  return node.here && !current
    ? <a class="models-knot" style={style} href={to("models", [node.id])}>{inside}</a>
    : <span class={`models-knot ${current ? "current" : "gone"}`} style={style} aria-current={current ? "page" : undefined}>{inside}</span>;
}
