// The edge of a model's cloth as a picture that repeats: painted once for each model, however many
// things show it.
import { paint } from "../look/Weave";

const THREAD = 2; // pixels
const made = new Map<string, string>();

/** An address for background-image. */
export function selvedge(of: string, night: boolean): string {
  const name = `${night} ${of}`;
  const found = made.get(name);
  if (found) return found;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 16 * THREAD;
  paint(canvas, of, night);
  const address = `url(${canvas.toDataURL()})`;
  if (made.size > 500) made.clear();
  made.set(name, address);
  return address;
}
