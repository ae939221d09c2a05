// The cloth of a model: beside its name wherever it stands, and along the edge of what it made.
import { useEffect, useRef } from "preact/hooks";
import { dark } from "../shell/theme";
import { drawdown, dyes, WARP, WEFT } from "./weaving";

export function paint(canvas: HTMLCanvasElement, text: string, night: boolean, woven = 1) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = canvas;
  const size = Math.max(2, Math.round(height / WEFT) || 2);
  const [warp, weft] = dyes(text, night);
  const cloth = drawdown(text);
  const edge = width * woven;
  for (let y = 0; y * size < height; y++) {
    for (let x = 0; x * size < width; x++) {
      const isWarp = cloth[y % WEFT]?.[x % WARP] ?? false;
      if (x * size < edge) {
        context.fillStyle = isWarp ? warp : weft;
        context.fillRect(x * size, y * size, size, size);
      } else {
        context.clearRect(x * size, y * size, size, size);
        context.globalAlpha = 0.45; // threads that wait for the shuttle
        context.fillStyle = warp;
        context.fillRect(x * size, y * size + size / 2 - 0.5, size, 1);
        context.globalAlpha = 1;
      }
    }
  }
}

export function Weave({ of, size = 32, label }: { of: string; size?: number; label?: string }) {
  const place = useRef<HTMLCanvasElement>(null);
  const night = dark.value;
  useEffect(() => {
    if (place.current) paint(place.current, of, night);
  }, [of, night]);
  const told = label ? { role: "img" as const, "aria-label": label } : { "aria-hidden": true as const };
  return <canvas ref={place} class="weave" width={size} height={size} {...told} />;
}

/** How far something is, as cloth that is woven from the left; unknown where value is null. */
export function Cloth({ of, value, label }: { of: string; value: number | null; label: string }) {
  const place = useRef<HTMLCanvasElement>(null);
  const night = dark.value;
  useEffect(() => {
    if (place.current) paint(place.current, of, night, value ?? 0);
  }, [of, night, value]);
  const now = value === null ? {} : { "aria-valuenow": Math.round(100 * value) };
  return (
    <div class="cloth" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} {...now}>
      <canvas ref={place} width={960} height={32} />
    </div>
  );
}
