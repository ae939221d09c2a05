// A picture: fitted, or as large as one likes; small ones by whole pixels; a checkerboard behind what
// is transparent. An SVG is shown as a picture of bytes, in which nothing runs and nothing is fetched.
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../look/Button";
import { useAddress } from "./bytes";
import type { View } from "./kinds";
import Other from "./Other";

const SMALL = 160; // pixels of a side up to which each is drawn as a square
const MOST = 32;

export default function Picture(view: View) {
  const address = useAddress(view.blob, view.media);
  const frame = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<[number, number] | null>(null);
  const [broken, setBroken] = useState(false);
  const [zoom, setZoom] = useState<number | null>(null); // null: fitted
  const fitted = useFitted(frame, size);
  const scale = zoom ?? fitted;
  useWheel(frame, (turn) => setZoom((was) => bounded((was ?? fitted) * turn)));
  const drag = useDrag(frame);
  if (broken) return <Other {...view} />;
  const small = size !== null && Math.max(...size) <= SMALL;
  const shown = size ? { width: `${size[0] * scale}px`, height: `${size[1] * scale}px` } : {};
  function pressed(event: KeyboardEvent) {
    const step = { "+": 1.5, "=": 1.5, "-": 1 / 1.5 }[event.key];
    if (step) setZoom(bounded(scale * step));
    else if (event.key === "0") setZoom(null);
    else return;
    event.preventDefault();
  }
  return (
    <div class="viewer-picture">
      <div class="viewer-frame" ref={frame} tabIndex={0} role="region" onKeyDown={pressed} {...drag}
        aria-label={`${view.name}: plus and minus zoom, 0 fits, arrows move`}>
        {address && (
          <img src={address} alt={view.name} draggable={false} class={`checkered${small ? " exact" : ""}`} style={shown}
            onError={() => setBroken(true)}
            onLoad={(e) => setSize([e.currentTarget.naturalWidth || 300, e.currentTarget.naturalHeight || 300])} />
        )}
      </div>
      <div class="viewer-bar">
        <span class="faint small number">{size ? `${size[0]} × ${size[1]}` : ""}</span>
        <span class="fill" />
        <Button kind="quiet" square aria-label="Smaller" act={() => setZoom(bounded(scale / 1.5))}>−</Button>
        <span class="small number">{Math.round(100 * scale)} %</span>
        <Button kind="quiet" square aria-label="Larger" act={() => setZoom(bounded(scale * 1.5))}>+</Button>
        <Button kind="quiet" aria-pressed={zoom === null} act={() => setZoom(null)}>Fit</Button>
        <Button kind="quiet" aria-pressed={zoom === 1} act={() => setZoom(1)}>1:1</Button>
      </div>
    </div>
  );
}

const bounded = (scale: number) => Math.min(MOST, Math.max(0.02, scale));

/** What fits the frame; small pictures by a whole number of times. */
function useFitted(frame: { current: HTMLElement | null }, size: [number, number] | null): number {
  const [room, setRoom] = useState<[number, number]>([0, 0]);
  useEffect(() => {
    if (!frame.current) return;
    const watch = new ResizeObserver(([one]) => one && setRoom([one.contentRect.width, one.contentRect.height]));
    watch.observe(frame.current);
    return () => watch.disconnect();
  }, []);
  if (!size || !room[0]) return 1;
  const most = Math.min(room[0] / size[0], room[1] / size[1]);
  if (Math.max(...size) > SMALL) return Math.min(most, 1);
  return most > 1 ? Math.min(MOST, Math.floor(most)) : most;
}

function useWheel(frame: { current: HTMLElement | null }, turn: (by: number) => void) {
  const latest = useRef(turn);
  latest.current = turn;
  useEffect(() => {
    const place = frame.current;
    const turned = (event: WheelEvent) => {
      if (!event.ctrlKey) return; // the page scrolls otherwise
      event.preventDefault();
      latest.current(Math.exp(-event.deltaY / 300));
    };
    place?.addEventListener("wheel", turned, { passive: false });
    return () => place?.removeEventListener("wheel", turned);
  }, []);
}

function useDrag(frame: { current: HTMLElement | null }) {
  const from = useRef<[number, number] | null>(null);
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.pointerType !== "mouse") return; // touch scrolls by itself
      from.current = [event.clientX, event.clientY];
      frame.current?.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent) => {
      if (!from.current) return;
      frame.current?.scrollBy(from.current[0] - event.clientX, from.current[1] - event.clientY);
      from.current = [event.clientX, event.clientY];
    },
    onPointerUp: () => (from.current = null),
    onPointerCancel: () => (from.current = null),
  };
}
