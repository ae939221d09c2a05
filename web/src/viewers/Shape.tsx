// A 3D shape that is turned by mouse, fingers or keys. What would fetch, or claims too much, is not
// parsed at all.
import type { Object3D } from "three";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Button } from "../look/Button";
import { useRead } from "./bytes";
import type { View } from "./kinds";
import { shapeOf } from "./meshes";
import Other from "./Other";
import { countsOf, Stage } from "./stage";

const KEYS: Record<string, (stage: Stage) => void> = {
  ArrowLeft: (stage) => stage.turn(-0.15, 0),
  ArrowRight: (stage) => stage.turn(0.15, 0),
  ArrowUp: (stage) => stage.turn(0, 0.15),
  ArrowDown: (stage) => stage.turn(0, -0.15),
  "+": (stage) => stage.nearer(1.2),
  "=": (stage) => stage.nearer(1.2),
  "-": (stage) => stage.nearer(1 / 1.2),
  "0": (stage) => stage.reset(),
};

export default function Shape(view: View) {
  const read = useMemo(() => (blob: Blob) => shapeOf(blob, view.media, view.name), [view.media, view.name]);
  const { data, error } = useRead(view.blob, read);
  if (error) return <div class="stack"><p class="notice bad">This shape is not shown: {error.message}.</p><Other {...view} /></div>;
  return data ? <Turning shape={data} {...view} /> : <p class="faint" aria-busy="true">Reading…</p>;
}

function Turning({ shape, ...view }: View & { shape: Object3D }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const stage = useRef<Stage | null>(null);
  const [broken, setBroken] = useState(false);
  const [wires, setWires] = useState(false);
  const counts = useMemo(() => countsOf(shape), [shape]);
  useEffect(() => {
    const place = canvas.current;
    if (!place) return;
    try {
      stage.current = new Stage(place, shape);
    } catch {
      setBroken(true);
      return;
    }
    const watch = new ResizeObserver(() => stage.current?.resize(place.clientWidth, place.clientHeight));
    watch.observe(place);
    const leave = pointed(place, stage.current);
    return () => {
      watch.disconnect();
      leave();
      stage.current?.close();
      stage.current = null;
    };
  }, [shape]);
  const told = `${Math.round(counts.faces).toLocaleString()} faces, ${counts.points.toLocaleString()} points`;
  if (broken) return <div class="stack"><p class="notice warn">This browser draws no 3D here. The shape has {told}.</p><Other {...view} /></div>;
  function pressed(event: KeyboardEvent) {
    const act = KEYS[event.key];
    if (!act || !stage.current) return;
    event.preventDefault();
    act(stage.current);
  }
  return (
    <div class="viewer-shape">
      <canvas ref={canvas} tabIndex={0} role="img" aria-label={`${view.name}, a shape of ${told}: arrows turn it, plus and minus zoom, 0 begins anew`} onKeyDown={pressed} />
      <div class="viewer-bar">
        <span class="faint small fill number">{told}</span>
        <Button kind="quiet" aria-pressed={wires} act={() => { stage.current?.wires(!wires); setWires(!wires); }}>Wires</Button>
        <Button kind="quiet" act={() => stage.current?.reset()}>Reset</Button>
      </div>
    </div>
  );
}

/** One finger or the mouse turns, two fingers or the wheel zoom. */
function pointed(place: HTMLElement, stage: Stage): () => void {
  const held = new Map<number, [number, number]>();
  const apart = () => {
    const [a, b] = [...held.values()];
    return a && b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0;
  };
  const leave = new AbortController();
  const on = <K extends keyof HTMLElementEventMap>(name: K, act: (event: HTMLElementEventMap[K]) => void) =>
    place.addEventListener(name, act, { signal: leave.signal, passive: false });
  on("pointerdown", (event) => {
    held.set(event.pointerId, [event.clientX, event.clientY]);
    place.setPointerCapture(event.pointerId);
  });
  on("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const [wide, now] = [apart(), [event.clientX, event.clientY] as [number, number]];
    held.set(event.pointerId, now);
    if (held.size > 1) stage.nearer(wide ? apart() / wide : 1);
    else stage.turn((now[0] - before[0]) / 120, (now[1] - before[1]) / 120);
  });
  on("pointerup", (event) => held.delete(event.pointerId));
  on("pointercancel", (event) => held.delete(event.pointerId));
  on("wheel", (event) => {
    event.preventDefault();
    stage.nearer(Math.exp(-event.deltaY / 500));
  });
  return () => leave.abort();
}
