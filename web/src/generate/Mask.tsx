// Drawing a mask over a picture: strokes of the pointer are white, all else black, in the picture's
// own pixels.
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../look/Button";

export interface MaskProps {
  picture: string;
  before: string | null;
  done: (data: string) => void;
}

export function Mask({ picture, before, done }: MaskProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<[number, number] | null>(null);
  const [brush, setBrush] = useState(12); // percent of the shorter side
  const last = useRef<[number, number] | null>(null);
  useEffect(() => void loaded(picture).then((image) => setSize([image.naturalWidth, image.naturalHeight])), [picture]);
  useEffect(() => void start(canvas.current, before), [size, before]);
  function stroke(event: PointerEvent) {
    const place = canvas.current;
    const context = place?.getContext("2d");
    if (!place || !context || !size) return;
    const { left, top, width, height } = place.getBoundingClientRect();
    const at: [number, number] = [((event.clientX - left) / width) * size[0], ((event.clientY - top) / height) * size[1]];
    Object.assign(context, { lineWidth: Math.max(1, (brush / 100) * Math.min(...size)), lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
    context.globalCompositeOperation = event.buttons & 2 || event.shiftKey ? "destination-out" : "source-over";
    context.beginPath();
    context.moveTo(...(last.current ?? at));
    context.lineTo(at[0] + 0.01, at[1]);
    context.stroke();
    last.current = at;
  }
  if (!size) return <p class="faint" aria-busy="true">Loading…</p>;
  const scale = Math.max(1, Math.floor(Math.min(640 / size[0], 480 / size[1])));
  return (
    <div class="stack">
      <div class="generate-mask" style={{ width: `min(100%, ${Math.max(size[0] * scale, Math.min(size[0], 640))}px)` }}>
        <img src={picture} alt="The picture that is given" class="checkered exact" draggable={false} />
        <canvas ref={canvas} width={size[0]} height={size[1]} class="exact" aria-label="Draw here what is to be made anew; with Shift it is taken back"
          onContextMenu={(e) => e.preventDefault()}
          onPointerDown={(e) => { e.currentTarget.setPointerCapture(e.pointerId); last.current = null; stroke(e); }}
          onPointerMove={(e) => e.buttons && stroke(e)} />
      </div>
      <div class="row">
        <label class="row small fill">Brush <input type="range" min={2} max={50} value={brush} onInput={(e) => setBrush(Number(e.currentTarget.value))} /></label>
        <Button act={() => start(canvas.current, null)}>Clear</Button>
        <Button kind="first" act={() => canvas.current && done(exported(canvas.current))}>Use it</Button>
      </div>
      <p class="faint small">Shift, or the other button, takes back.</p>
    </div>
  );
}

async function loaded(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/** Empty, or what was drawn before: its white places. */
async function start(canvas: HTMLCanvasElement | null, before: string | null): Promise<void> {
  const context = canvas?.getContext("2d");
  if (!canvas || !context) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!before) return;
  context.globalCompositeOperation = "source-over";
  context.drawImage(await loaded(before), 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < pixels.data.length; at += 4) if (pixels.data[at]! < 128) pixels.data[at + 3] = 0;
  context.putImageData(pixels, 0, 0);
}

function exported(canvas: HTMLCanvasElement): string {
  const made = document.createElement("canvas");
  [made.width, made.height] = [canvas.width, canvas.height];
  const context = made.getContext("2d")!;
  context.fillRect(0, 0, made.width, made.height);
  context.drawImage(canvas, 0, 0);
  const pixels = context.getImageData(0, 0, made.width, made.height);
  for (let at = 0; at < pixels.data.length; at += 4) pixels.data.fill(pixels.data[at]! < 128 ? 0 : 255, at, at + 3);
  context.putImageData(pixels, 0, 0);
  return made.toDataURL("image/png");
}
