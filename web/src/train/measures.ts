// Curves out of a training's log: one a measure, what was learnt from and what was held out apart.
import type { Told } from "./told";

export interface Point {
  step: number;
  seconds: number;
  value: number;
}

export interface Curve {
  run: string;
  name: string;
  held: boolean; // judged on held-out items
  points: Point[];
}

const NONE = new Set(["time", "kind", "step", "seconds", "norm", "line", "player"]);

export function curvesOf(run: string, events: Told[]): Curve[] {
  const found = new Map<string, Curve>();
  let seconds = 0;
  for (const event of events) {
    if (typeof event.seconds === "number") seconds = event.seconds;
    if (event.kind !== "step" && event.kind !== "judge" && event.kind !== "done") continue;
    const held = event.kind !== "step";
    for (const [name, value] of Object.entries(event)) {
      if (NONE.has(name) || name.startsWith("norm") || typeof value !== "number") continue;
      const key = `${held} ${name}`;
      if (!found.has(key)) found.set(key, { run, name, held, points: [] });
      found.get(key)!.points.push({ step: event.step, seconds, value });
    }
  }
  return [...found.values()];
}

/** A running mean over a share of the points; 0 leaves them as they are. */
export function smoothed(points: Point[], share: number): Point[] {
  const width = Math.round(share * points.length);
  if (width < 2) return points;
  const keep = 1 - 1 / width;
  let mean = 0;
  let weight = 0;
  return points.map((point) => {
    mean = keep * mean + (1 - keep) * point.value;
    weight = keep * weight + (1 - keep);
    return { ...point, value: mean / weight };
  });
}

/** No more points than a screen shows: of each stretch its least and its greatest. */
export function thinned(points: Point[], most: number): Point[] {
  if (points.length <= most) return points;
  const size = Math.ceil((2 * points.length) / most);
  const kept: Point[] = [];
  for (let at = 0; at < points.length; at += size) {
    const some = points.slice(at, at + size);
    const low = some.reduce((a, b) => (b.value < a.value ? b : a));
    const high = some.reduce((a, b) => (b.value > a.value ? b : a));
    kept.push(...(low.step < high.step ? [low, high] : low === high ? [low] : [high, low]));
  }
  return kept;
}

export interface Pace {
  step: number;
  steps: number;
  seconds: number;
  perSecond: number | null;
  left: number | null; // seconds
}

/** How fast it goes of late, and how long it will take at that pace. */
export function paceOf(events: Told[]): Pace {
  const start = events.findLast((one) => one.kind === "start");
  const steps = typeof start?.steps === "number" ? start.steps : 0;
  const taken = events.filter((one) => one.kind === "step");
  const [first, last] = [taken.at(-60) ?? taken[0], taken.at(-1)];
  const seconds = Number(last?.seconds ?? 0);
  const past = first && last ? Number(last.seconds) - Number(first.seconds) : 0;
  const perSecond = first && last && past > 0 ? (last.step - first.step) / past : null;
  const step = last?.step ?? start?.step ?? 0;
  return { step, steps, seconds, perSecond, left: perSecond ? (steps - step) / perSecond : null };
}
