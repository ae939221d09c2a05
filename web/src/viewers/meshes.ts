// Files of 3D shapes -> what three draws; each format with its limits, checked before it is parsed.
import { Box3, BufferAttribute, type BufferGeometry, Group, Mesh, MeshStandardMaterial, type Object3D, Points, PointsMaterial, SRGBColorSpace, Texture } from "three";
import { bytes } from "../look/numbers";

import { checkGlb } from "./gltf";
import { suffixIn } from "./kinds";

const MOST = 96 << 20; // bytes
const MOST_FACES = 3_000_000;

type Loader = (bytes: ArrayBuffer) => Promise<Object3D>;
const LOADERS: Record<string, Loader> = { glb, obj, stl, ply };
const BY_MEDIA: Record<string, string> = { "model/gltf-binary": "glb", "model/obj": "obj", "model/stl": "stl", "model/x.stl-binary": "stl", "model/ply": "ply", "model/x-ply": "ply" };

/** Error where it is none, names other files, or is too large. */
export async function shapeOf(blob: Blob, media: string, name: string): Promise<Object3D> {
  if (blob.size > MOST) throw new Error(`it has ${bytes(blob.size)}: up to ${bytes(MOST)} are shown`);
  const load = LOADERS[BY_MEDIA[media] ?? suffixIn(name)];
  if (!load) throw new Error("its format is not read here: GLB, OBJ, STL and PLY are");
  const made = await load(await blob.arrayBuffer());
  const box = new Box3().setFromObject(made);
  if (box.isEmpty() || ![...box.min.toArray(), ...box.max.toArray()].every(Number.isFinite)) throw new Error("it holds no shape, or points that are no numbers");
  return made;
}

const plain = () => new MeshStandardMaterial({ color: 0xb9bfd6, roughness: 0.75, metalness: 0.05, side: 2 });

async function glb(bytes: ArrayBuffer): Promise<Object3D> {
  checkGlb(bytes);
  const { GLTFLoader } = await import("three/examples/jsm/loaders/GLTFLoader.js");
  const loader = new GLTFLoader();
  loader.register((parser) => ({ name: "GENLOOM_textures", loadTexture: (at: number) => texture(parser as unknown as Parser, at) }));
  return (await loader.parseAsync(bytes, "")).scene;
}

interface Parser {
  json: { textures: { source?: number }[]; images: { bufferView?: number; mimeType?: string }[] };
  getDependency: (kind: string, at: number) => Promise<ArrayBuffer>;
}

/** Pictures inside the file, decoded without an address: three would fetch one. */
async function texture(parser: Parser, at: number): Promise<Texture> {
  const image = parser.json.images[parser.json.textures[at]?.source ?? 0];
  if (image?.bufferView === undefined) return new Texture();
  const bytes = await parser.getDependency("bufferView", image.bufferView);
  const made = new Texture(await createImageBitmap(new Blob([bytes], { type: image.mimeType }), { colorSpaceConversion: "none" }));
  Object.assign(made, { flipY: false, needsUpdate: true, colorSpace: SRGBColorSpace });
  return made;
}

async function obj(bytes: ArrayBuffer): Promise<Object3D> {
  const { OBJLoader } = await import("three/examples/jsm/loaders/OBJLoader.js");
  const made = new OBJLoader().parse(new TextDecoder().decode(bytes));
  made.traverse((one) => {
    if (one instanceof Mesh) one.material = plain();
  });
  return made;
}

async function stl(bytes: ArrayBuffer): Promise<Object3D> {
  const ascii = /^\s*solid\s/.test(new TextDecoder("latin1").decode(bytes.slice(0, 80))) && bytes.byteLength !== counted(bytes);
  if (!ascii && (bytes.byteLength < 84 || counted(bytes) > bytes.byteLength)) throw new Error("it claims more faces than it holds");
  const { STLLoader } = await import("three/examples/jsm/loaders/STLLoader.js");
  return new Mesh(new STLLoader().parse(bytes), plain());
}

const counted = (bytes: ArrayBuffer) => (bytes.byteLength < 84 ? Infinity : 84 + 50 * new DataView(bytes).getUint32(80, true));

async function ply(bytes: ArrayBuffer): Promise<Object3D> {
  const head = new TextDecoder("latin1").decode(bytes.slice(0, 8192)).split("end_header")[0]!;
  for (const [, , count] of head.matchAll(/^element (\S+) (\d+)\s*$/gm)) {
    if (Number(count) > MOST_FACES || Number(count) > bytes.byteLength) throw new Error("it claims more points or faces than it holds");
  }
  const { PLYLoader } = await import("three/examples/jsm/loaders/PLYLoader.js");
  const made: BufferGeometry = new PLYLoader().parse(bytes);
  const coloured = made.getAttribute("color") instanceof BufferAttribute;
  if (!made.index) return new Points(made, new PointsMaterial({ size: 2, sizeAttenuation: false, vertexColors: coloured, color: coloured ? 0xffffff : 0x8890b8 }));
  if (!made.getAttribute("normal")) made.computeVertexNormals();
  const material = plain();
  if (coloured) Object.assign(material, { vertexColors: true, color: material.color.set(0xffffff) });
  return new Group().add(new Mesh(made, material));
}
