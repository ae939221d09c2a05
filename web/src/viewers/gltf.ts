// Whether a GLB file may be parsed at all: what it says of itself is read first, so that a file that
// names others, claims more than it holds or leads round in circles costs nothing.

const MOST_NUMBERS = 30_000_000;
const MOST_NODES = 20_000;
const MOST_DRAWN = 20_000; // nodes by the primitives of their meshes
const MOST_JSON = 16 << 20;
const PARTS: Record<string, number> = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT2: 4, MAT3: 9, MAT4: 16 };
const BYTES: Record<number, number> = { 5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4 };
const PACKED = ["KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_texture_basisu"];

interface Accessor { bufferView?: number; byteOffset?: number; count?: number; type?: string; componentType?: number; sparse?: unknown }
interface Gltf {
  asset?: { version?: string };
  extensionsRequired?: string[];
  buffers?: { byteLength?: number }[];
  bufferViews?: { buffer?: number; byteOffset?: number; byteLength?: number; byteStride?: number }[];
  accessors?: Accessor[];
  nodes?: { children?: number[]; mesh?: number }[];
  scenes?: { nodes?: number[] }[];
  meshes?: { primitives?: unknown[] }[];
}

/** Error with what is wrong; nothing where it is sound. */
export function checkGlb(bytes: ArrayBuffer): void {
  const head = new DataView(bytes);
  if (bytes.byteLength < 20 || head.getUint32(0, true) !== 0x46546c67 || head.getUint32(4, true) !== 2) refuse("it is no GLB file of version 2");
  const length = head.getUint32(12, true);
  if (head.getUint32(8, true) > bytes.byteLength || head.getUint32(16, true) !== 0x4e4f534a || 20 + length > bytes.byteLength) refuse("it is cut off");
  if (length > MOST_JSON) refuse("its description is too large");
  let told: Gltf;
  try {
    told = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 20, length)), noAddress) as Gltf;
  } catch (error) {
    throw error instanceof SyntaxError ? new Error("its description is no JSON") : error;
  }
  checkBytes(told, binary(head, 20 + length));
  checkNodes(told);
}

function refuse(why: string): never {
  throw new Error(why);
}

function noAddress(name: string, value: unknown): unknown {
  if (name === "uri") refuse("it names other files: only what lies inside the file is shown");
  return value;
}

function binary(head: DataView, at: number): number {
  return at + 8 <= head.byteLength ? Math.min(head.getUint32(at, true), head.byteLength - at - 8) : 0;
}

const whole = (value: number | undefined) => (Number.isSafeInteger(value ?? 0) && (value ?? 0) >= 0 ? (value ?? 0) : refuse("a size in it is no whole number"));

function checkBytes(told: Gltf, held: number): void {
  const packed = told.extensionsRequired?.find((name) => PACKED.includes(name));
  if (packed) refuse(`it is packed as ${packed}, which is not read here`);
  if ((told.buffers?.length ?? 0) > 1) refuse("it names other files: only what lies inside the file is shown");
  for (const view of told.bufferViews ?? []) if (whole(view.byteOffset) + whole(view.byteLength) > held) refuse("it claims more bytes than it holds");
  let sum = 0;
  for (const accessor of told.accessors ?? []) {
    const [count, parts, size] = [whole(accessor.count), PARTS[accessor.type ?? ""] ?? 0, BYTES[accessor.componentType ?? 0] ?? 0];
    if (!parts || !size) refuse("numbers in it are of an unknown kind");
    if ((sum += count * parts) > MOST_NUMBERS) refuse(`it has over ${MOST_NUMBERS.toLocaleString()} numbers`);
    if (accessor.bufferView === undefined) continue;
    const view = told.bufferViews?.[accessor.bufferView] ?? refuse("a part of it is missing");
    const stride = view.byteStride || parts * size;
    if (count > 0 && whole(accessor.byteOffset) + stride * (count - 1) + parts * size > whole(view.byteLength)) refuse("it claims more bytes than it holds");
  }
}

/** Every node is reached once at most: no circles, no two parents. */
function checkNodes(told: Gltf): void {
  const nodes = told.nodes ?? [];
  if (nodes.length > MOST_NODES) refuse(`it has ${nodes.length.toLocaleString()} nodes: up to ${MOST_NODES.toLocaleString()} are shown`);
  const parent = new Map<number, number>();
  nodes.forEach((node, at) => {
    for (const child of node.children ?? []) {
      if (!nodes[child] || parent.has(child)) refuse("its nodes are no tree");
      parent.set(child, at);
    }
  });
  for (let at = 0; at < nodes.length; at++) {
    let [up, steps] = [parent.get(at), 0];
    while (up !== undefined) {
      if (++steps > 200) refuse("its nodes lead round in a circle, or too deep");
      up = parent.get(up);
    }
  }
  const drawn = nodes.reduce((sum, node) => sum + (node.mesh === undefined ? 0 : (told.meshes?.[node.mesh]?.primitives?.length ?? 0)), 0);
  if (drawn > MOST_DRAWN) refuse(`it has ${drawn.toLocaleString()} parts: up to ${MOST_DRAWN.toLocaleString()} are shown`);
  if ((told.scenes ?? []).some((scene) => new Set(scene.nodes).size !== (scene.nodes?.length ?? 0))) refuse("its nodes are no tree");
}
