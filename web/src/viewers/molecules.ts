// A molecule's formula (SMILES) as a flat drawing: where atoms are and which lines join them. The
// library lays it out; no mark-up of its own is used, so that nothing of it meets the page's policy.
import SmilesDrawer from "smiles-drawer";

export interface Dot {
  x: number;
  y: number;
}
export interface AtomText extends Dot {
  element: string;
  hydrogens: number;
  charge: number;
  isotope: number;
  left: boolean; // hydrogens stand on the left
}
export interface Line {
  from: Dot;
  to: Dot;
  kind: "plain" | "dashed" | "wedge" | "hashed";
}
export interface Drawn {
  atoms: AtomText[];
  lines: Line[];
  rings: (Dot & { radius: number })[];
  box: [x: number, y: number, width: number, height: number];
}

const LONGEST = 600; // letters: laying out is not linear
const ATOMS = 200;
const LENGTH = 30;
const GAP = 5;

interface Vertex {
  id: number;
  position: Dot;
  neighbours: number[];
  value: { element: string; isDrawn: boolean; bracket: { charge: number | null; isotope: number | null } | null; countImplicitHydrogens: () => number };
}
interface Edge {
  sourceId: number;
  targetId: number;
  bondType: string;
  wedge?: string;
}
interface Loop {
  center: Dot;
  members: number[];
}
interface Layout {
  initDraw: (tree: unknown, theme: string, infoOnly: boolean, marked: unknown[]) => void;
  processGraph: () => void;
  isRingAromatic: (ring: Loop) => boolean;
  graph: { vertices: Vertex[]; edges: Edge[] };
  rings: Loop[];
}

/** Error where it is no SMILES, or too large to be laid out. */
export function drawnOf(smiles: string): Drawn {
  if (smiles.length > LONGEST) throw new Error(`it has ${smiles.length.toLocaleString()} letters: up to ${LONGEST} are drawn`);
  let tree: unknown;
  SmilesDrawer.parse(smiles, (found: unknown) => (tree = found), () => { throw new Error("it is no SMILES"); });
  const drawer = new SmilesDrawer.SvgDrawer({ bondLength: LENGTH, compactDrawing: false });
  const layout = drawer.preprocessor as unknown as Layout;
  layout.initDraw(tree, "light", false, []);
  if (layout.graph.vertices.length > ATOMS) throw new Error(`it has ${layout.graph.vertices.length} atoms: up to ${ATOMS} are drawn`);
  layout.processGraph();
  return read(layout);
}

function read(layout: Layout): Drawn {
  const { vertices, edges } = layout.graph;
  const shown = vertices.filter((vertex) => vertex.value.isDrawn);
  const lines = edges.flatMap((edge) => linesOf(vertices[edge.sourceId]!, vertices[edge.targetId]!, edge, layout.rings));
  const rings = layout.rings.filter((ring) => layout.isRingAromatic(ring)).map((ring) => {
    const [first] = ring.members;
    return { ...dot(ring.center), radius: 0.58 * Math.hypot(ring.center.x - vertices[first!]!.position.x, ring.center.y - vertices[first!]!.position.y) };
  });
  const [xs, ys] = [shown.map((one) => one.position.x), shown.map((one) => one.position.y)];
  const [left, top] = [Math.min(...xs) - LENGTH, Math.min(...ys) - LENGTH];
  return { atoms: shown.flatMap((one) => textOf(one, vertices)), lines, rings, box: [left, top, Math.max(...xs) + LENGTH - left, Math.max(...ys) + LENGTH - top] };
}

const dot = ({ x, y }: Dot): Dot => ({ x, y });

/** Carbon is where lines meet, unless something is to be said of it. */
function isWorded({ value, neighbours }: Vertex): boolean {
  return value.element !== "C" || Boolean(value.bracket?.charge || value.bracket?.isotope) || neighbours.length === 0;
}

function textOf(vertex: Vertex, vertices: Vertex[]): AtomText[] {
  if (!isWorded(vertex)) return [];
  const { value, position, neighbours } = vertex;
  const [charge, isotope] = [Number(value.bracket?.charge ?? 0), Number(value.bracket?.isotope ?? 0)];
  const right = neighbours.reduce((sum, id) => sum + vertices[id]!.position.x - position.x, 0);
  return [{ ...dot(position), element: value.element, hydrogens: Math.max(0, value.countImplicitHydrogens()), charge, isotope, left: right > 1 }];
}

function linesOf(a: Vertex, b: Vertex, edge: Edge, rings: Loop[]): Line[] {
  if (!a.value.isDrawn || !b.value.isDrawn || edge.bondType === ".") return [];
  const [from, to] = [cut(a, b), cut(b, a)];
  const whole = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const normal = { x: -(to.y - from.y) / whole, y: (to.x - from.x) / whole };
  const beside = (by: number, short = 0): Line => ({ from: moved(from, to, normal, by, short), to: moved(to, from, normal, by, short), kind: "plain" });
  if (edge.bondType === "#") return [beside(0), beside(GAP), beside(-GAP)];
  if (edge.bondType === "=") {
    const ring = rings.find((one) => one.members.includes(a.id) && one.members.includes(b.id));
    if (!ring) return [beside(GAP / 2), beside(-GAP / 2)];
    const side = Math.sign((ring.center.x - from.x) * normal.x + (ring.center.y - from.y) * normal.y) || 1;
    return [beside(0), beside(side * GAP, 0.14)];
  }
  const kind = { up: "wedge", down: "hashed" }[edge.wedge ?? ""] as Line["kind"] | undefined;
  return [{ from, to, kind: kind ?? "plain" }];
}

/** Where the line to the other atom begins: outside of the atom's letters. */
function cut(vertex: Vertex, other: Vertex): Dot {
  const whole = Math.hypot(other.position.x - vertex.position.x, other.position.y - vertex.position.y) || 1;
  const off = isWorded(vertex) ? 9 / whole : 0;
  return { x: vertex.position.x + off * (other.position.x - vertex.position.x), y: vertex.position.y + off * (other.position.y - vertex.position.y) };
}

function moved(from: Dot, to: Dot, normal: Dot, by: number, short: number): Dot {
  return { x: from.x + normal.x * by + short * (to.x - from.x), y: from.y + normal.y * by + short * (to.y - from.y) };
}
