// The edge of what a model made: a narrow strip of the model's cloth, as long as what it stands beside.
import { useEffect, useRef } from "preact/hooks";
import { dark } from "../shell/theme";
import { drawdown, dyes, WARP, WEFT } from "./weaving";

const THREAD = 2; // pixels
const WIDE = 4; // threads that are seen
const LONG = 80; // repeats

export function Selvedge({ of }: { of: string }) {
  const place = useRef<HTMLCanvasElement>(null);
  const night = dark.value;
  useEffect(() => {
    const context = place.current?.getContext("2d");
    if (!context) return;
    const cloth = drawdown(of);
    const [warp, weft] = dyes(of, night);
    for (let y = 0; y < LONG * WEFT; y++) {
      for (let x = 0; x < WIDE; x++) {
        context.fillStyle = cloth[y % WEFT]?.[x % WARP] ? warp : weft;
        context.fillRect(x * THREAD, y * THREAD, THREAD, THREAD);
      }
    }
  }, [of, night]);
  return <canvas ref={place} class="selvedge-strip" width={THREAD * WIDE} height={THREAD * LONG * WEFT} aria-hidden="true" />;
}
