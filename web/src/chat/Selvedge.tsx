// The edge of what a model made: a narrow strip of its cloth, as long as the thing.
import { dark } from "../shell/theme";
import { paint } from "../look/Weave";

const woven = new Map<string, string>();

function strip(of: string, night: boolean): string {
  const name = `${of} ${night}`;
  let made = woven.get(name);
  if (made === undefined) {
    const canvas = document.createElement("canvas");
    canvas.width = 8;
    canvas.height = 32;
    paint(canvas, of, night);
    made = canvas.toDataURL();
    woven.set(name, made);
  }
  return made;
}

export function Selvedge({ of }: { of: string }) {
  return <span class="chat-selvedge" aria-hidden="true" style={{ backgroundImage: `url(${strip(of, dark.value)})` }} />;
}
