// Where the models of a lineage are drawn: one column a generation, the one at hand in between.
// Knows names, edges and sizes; draws nothing.
import type { Card } from "./told";

export interface Laid {
  x: number;
  y: number;
}

export interface Sizes {
  wide: number;
  high: number;
  gap: number;
  room: number;
}

/** Places by id, and the size of the whole. A ring among the edges does no harm. */
export function laid(at: string, lineage: Card["lineage"], sizes: Sizes) {
  const generation = generations(at, lineage);
  const first = Math.min(...generation.values());
  const columns = new Map<number, string[]>();
  for (const [id, number] of generation) columns.set(number, [...(columns.get(number) ?? []), id]);
  const tallest = Math.max(...[...columns.values()].map((ids) => ids.length));
  const height = tallest * (sizes.high + sizes.room) - sizes.room;
  const places = new Map<string, Laid>();
  for (const [number, ids] of columns) {
    const used = ids.length * (sizes.high + sizes.room) - sizes.room;
    ids.forEach((id, n) => {
      const y = (height - used) / 2 + n * (sizes.high + sizes.room);
      places.set(id, { x: (number - first) * (sizes.wide + sizes.gap), y });
    });
  }
  const width = (Math.max(...generation.values()) - first + 1) * (sizes.wide + sizes.gap) - sizes.gap;
  return { places, width, height };
}

/** How many generations before (negative) or after the one at hand, by the longest way. */
function generations(at: string, { nodes, edges }: Card["lineage"]): Map<string, number> {
  const found = new Map([[at, 0]]);
  for (let turn = 0; turn < nodes.length; turn++) {
    for (const { parent, child } of edges) {
      const [up, down] = [found.get(parent), found.get(child)];
      if (down !== undefined && down <= 0 && parent !== at) found.set(parent, Math.min(up ?? 0, down - 1));
      if (up !== undefined && up >= 0 && child !== at) found.set(child, Math.max(down ?? 0, up + 1));
    }
  }
  for (const node of nodes) if (!found.has(node.id)) found.set(node.id, 0);
  return found;
}
