// The edge of what a model made: a narrow strip of the model's cloth, as long as what it stands beside.
// One repeat is painted for each model, however many things show it.
import { dark } from "../shell/theme";
import { paint } from "./Weave";
import { WEFT } from "./weaving";

const THREAD = 2; // pixels
const MOST = 500; // repeats that are held
const woven = new Map<string, string>();

/** An address for background-image. */
export function selvedge(of: string, night: boolean): string {
  const name = `${night} ${of}`;
  const found = woven.get(name);
  if (found) return found;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = THREAD * WEFT;
  paint(canvas, of, night);
  const address = `url(${canvas.toDataURL()})`;
  if (woven.size > MOST) woven.clear();
  woven.set(name, address);
  return address;
}

export function Selvedge({ of }: { of: string }) {
  return <span class="selvedge-strip" aria-hidden="true" style={{ backgroundImage: selvedge(of, dark.value) }} />;
}
