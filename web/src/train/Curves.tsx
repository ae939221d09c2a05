// Curves of one or several trainings: lines on a canvas, what stands under the pointer (or under the
// arrow keys) read out in a table, and the choices of how they are drawn.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { duration, figure } from "../look/numbers";
import { line } from "../look/weaving";
import { dark } from "../shell/theme";
import { type Curve, smoothed, thinned } from "./measures";
import { draw, type Frame, type Line, nearest, placeAt, scaleOf } from "./plotting";

const HEIGHT = 260;
const MOST = 2400; // points of a line
const STEPS = 40; // of the arrow keys across the whole

interface Way {
  log: boolean;
  by: "step" | "seconds";
  smooth: number;
}

export function Curves({ curves, label }: { curves: Curve[]; label: string }) {
  const [way, setWay] = useState<Way>({ log: false, by: "step", smooth: 0.04 });
  const [chosen, setChosen] = useState<string | null>(null);
  const names = useMemo(() => measuresOf(curves), [curves]);
  const shown = chosen && names.includes(chosen) ? chosen : (names[0] ?? "");
  const some = useMemo(() => curves.filter((curve) => plainName(curve.name) === shown), [curves, shown]);
  if (!names.length) return <p class="faint">The first step has told nothing yet.</p>;
  return (
    <section class="stack train-curves" aria-label={label}>
      <div class="row between">
        <div class="row" role="group" aria-label="What is drawn">
          {names.map((name) => (
            <button key={name} type="button" class="button" aria-pressed={name === shown} onClick={() => setChosen(name)}>
              {name.replaceAll("_", " ")}
            </button>
          ))}
        </div>
        <div class="row small">
          <label class="row"><input type="checkbox" checked={way.log} onChange={(e) => setWay({ ...way, log: e.currentTarget.checked })} /> Log scale</label>
          <label class="row"><input type="checkbox" checked={way.by === "seconds"} onChange={(e) => setWay({ ...way, by: e.currentTarget.checked ? "seconds" : "step" })} /> By time</label>
          <label class="row train-smooth">Smoothing
            <input type="range" min={0} max={0.2} step={0.01} value={way.smooth} onInput={(e) => setWay({ ...way, smooth: Number(e.currentTarget.value) })} />
          </label>
        </div>
      </div>
      <Plot curves={some} way={way} label={`${shown.replaceAll("_", " ")}, ${label}`} />
    </section>
  );
}

function Plot({ curves, way, label }: { curves: Curve[]; way: Way; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [read, setRead] = useState<number | null>(null);
  const night = dark.value;
  const lines = useMemo(() => linesOf(curves, way.smooth, night), [curves, way.smooth, night]);
  const frame: Frame = { log: way.log, by: way.by, width, height: HEIGHT };
  useEffect(() => {
    const watch = new ResizeObserver(([one]) => setWidth(Math.floor(one!.contentRect.width)));
    if (place.current) watch.observe(place.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (!canvas.current || !width) return;
    const style = getComputedStyle(canvas.current);
    const token = (name: string) => style.getPropertyValue(name).trim();
    draw(canvas.current, lines, frame, { ink: token("--ink"), faint: token("--faint"), thread: token("--thread"), face: token("--mono") }, read);
  }, [lines, width, way, read, night]);
  const scale = width ? scaleOf(lines, frame) : null;
  function moved(event: PointerEvent) {
    if (scale) setRead(placeAt(event.offsetX, scale, frame));
  }
  function pressed(event: KeyboardEvent) {
    const by = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") return setRead(null);
    if (by === undefined || !scale) return;
    event.preventDefault();
    const from = read ?? (by > 0 ? 0 : scale.last);
    setRead(Math.min(scale.last, Math.max(0, Number.isFinite(by) ? from + (by * scale.last) / STEPS : by < 0 ? 0 : scale.last)));
  }
  return (
    <figure class="stack">
      <div ref={place} class="train-plot" tabIndex={0} role="img" onKeyDown={pressed} onPointerMove={moved} onPointerLeave={() => setRead(null)}
        aria-label={`${label}. Arrow keys read values out.`}>
        <canvas ref={canvas} style={{ height: `${HEIGHT}px` }} />
      </div>
      <figcaption class="train-legend" aria-live="polite">
        {lines.map((line) => <Read key={line.label} line={line} way={way} read={read} />)}
      </figcaption>
    </figure>
  );
}

function Read({ line, way, read }: { line: Line; way: Way; read: number | null }) {
  const point = read === null ? line.mean.at(-1) : nearest(line.mean, way.by, read);
  return (
    <span class="row">
      <svg width="24" height="8" aria-hidden="true"><path d="M0 4H24" stroke={line.colour} stroke-width="2" stroke-dasharray={line.dashed ? "6 4" : undefined} /></svg>
      {line.label}
      {point && <b class="number">{figure(point.value)}</b>}
      {point && <span class="faint number">{way.by === "step" ? `step ${figure(point.step)}` : duration(point.seconds)}</span>}
    </span>
  );
}

/** Losses and what was judged share a picture where they are the same measure. */
const plainName = (name: string) => name.replace(/^held_out_/, "");

function measuresOf(curves: Curve[]): string[] {
  const names = [...new Set(curves.map((curve) => plainName(curve.name)))];
  const learnt = (name: string) => curves.some((c) => !c.held && plainName(c.name) === name);
  const rank = (name: string) => (/^loss$/.test(name) ? 0 : learnt(name) ? 1 : 2);
  return names.sort((a, b) => rank(a) - rank(b));
}

/** A run's colours are its weave's yarns: the warp for what is learnt from, dashes for what is held out. */
function linesOf(curves: Curve[], smooth: number, night: boolean): Line[] {
  const runs = [...new Set(curves.map((curve) => curve.run))];
  return curves.map((curve) => {
    const points = thinned(curve.points, MOST);
    const colour = line(curve.run, night);
    const what = curve.held ? "held out" : "learnt from";
    const mean = curve.held ? points : smoothed(points, smooth);
    return { label: runs.length > 1 ? `${curve.run}, ${what}` : what, colour, dashed: curve.held, points, mean };
  });
}
