// How a column is distributed, as a small drawing: what was made is filled, the real data beside it is
// a line. Drawn by the column's shares alone.
import { useEffect, useRef } from "preact/hooks";
import { dark } from "../shell/theme";
import type { Spread } from "./columns";

export function Distribution({ of, width, height = 36 }: { of: Spread; width: number; height?: number }) {
  const place = useRef<HTMLCanvasElement>(null);
  const night = dark.value;
  useEffect(() => {
    if (place.current) draw(place.current, of);
  }, [of, width, height, night]);
  const told = `${of.told}${of.real ? `; real data differ by ${Math.round(50 * of.made.reduce((sum, x, n) => sum + Math.abs(x - of.real![n]!), 0))} %` : ""}`;
  return <canvas ref={place} class="distribution" width={2 * width} height={2 * height} style={{ width: `${width}px`, height: `${height}px` }} role="img" aria-label={told} title={told} />;
}

function draw(canvas: HTMLCanvasElement, of: Spread) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const style = getComputedStyle(document.documentElement);
  const most = Math.max(1e-9, ...of.made, ...(of.real ?? []));
  const step = canvas.width / of.made.length;
  const tall = (x: number) => (x / most) * (canvas.height - 4);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = style.getPropertyValue("--indigo");
  of.made.forEach((x, n) => {
    if (x > 0) context.fillRect(n * step + 1, canvas.height - Math.max(2, tall(x)), Math.max(1, step - 2), Math.max(2, tall(x)));
  });
  if (!of.real) return;
  context.strokeStyle = style.getPropertyValue("--madder");
  context.lineWidth = 3;
  context.beginPath();
  of.real.forEach((x, n) => {
    const y = canvas.height - 2 - tall(x);
    context[n ? "lineTo" : "moveTo"](n * step, y);
    context.lineTo((n + 1) * step, y);
  });
  context.stroke();
}
