// Curves drawn on a canvas: axes, grid, lines, the place that is read out. Knows numbers and colours,
// no training.
import { figure } from "../look/numbers";
import type { Point } from "./measures";

export interface Line {
  label: string;
  colour: string;
  dashed: boolean;
  points: Point[]; // as they were told, drawn faintly
  mean: Point[]; // smoothed
}

export interface Frame {
  log: boolean;
  by: "step" | "seconds";
  width: number;
  height: number;
}

export interface Ink {
  ink: string;
  faint: string;
  thread: string;
  face: string;
}

const [LEFT, RIGHT, TOP, FOOT] = [64, 12, 10, 26];

interface Scale {
  x: (point: Point) => number;
  y: (value: number) => number;
  low: number;
  high: number;
  last: number;
}

export function scaleOf(lines: Line[], frame: Frame): Scale | null {
  const shown = lines.flatMap((line) => line.mean);
  const values = shown.map((p) => p.value).filter((v) => Number.isFinite(v) && (!frame.log || v > 0));
  if (!values.length) return null;
  const sorted = values.slice().sort((a, b) => a - b);
  let [low, high] = [sorted[0]!, sorted[Math.ceil(0.995 * (sorted.length - 1))]!];
  if (high <= low) [low, high] = frame.log ? [low / 2, high * 2] : [low - 1, high + 1];
  const at = frame.log ? Math.log : (v: number) => v;
  const pad = 0.04 * (at(high) - at(low));
  const last = Math.max(1e-9, ...shown.map((p) => p[frame.by]));
  const y = (value: number) => {
    const share = (at(Math.max(value, frame.log ? 1e-30 : -Infinity)) - at(low) + pad) / (at(high) - at(low) + 2 * pad);
    return frame.height - FOOT - Math.min(1.02, Math.max(-0.02, share)) * (frame.height - TOP - FOOT);
  };
  return { x: (p) => LEFT + (p[frame.by] / last) * (frame.width - LEFT - RIGHT), y, low, high, last };
}

export function draw(canvas: HTMLCanvasElement, lines: Line[], frame: Frame, ink: Ink, read: number | null): void {
  const dense = devicePixelRatio || 1;
  canvas.width = Math.round(frame.width * dense);
  canvas.height = Math.round(frame.height * dense);
  const context = canvas.getContext("2d");
  const scale = scaleOf(lines, frame);
  if (!context || !scale) return;
  context.scale(dense, dense);
  grid(context, scale, frame, ink);
  context.save();
  context.beginPath();
  context.rect(LEFT, TOP - 4, frame.width - LEFT - RIGHT + 4, frame.height - TOP - FOOT + 8);
  context.clip();
  for (const line of lines) {
    context.strokeStyle = line.colour;
    context.setLineDash(line.dashed ? [6, 4] : []);
    if (line.points !== line.mean) stroke(context, line.points, scale, 1, 0.28);
    stroke(context, line.mean, scale, 2, 1);
    if (line.mean.length < 40 && line.dashed) for (const p of line.mean) knot(context, scale.x(p), scale.y(p.value), line.colour);
  }
  context.restore();
  context.setLineDash([]);
  if (read !== null) reading(context, lines, scale, frame, ink, read);
}

function stroke(context: CanvasRenderingContext2D, points: Point[], scale: Scale, width: number, alpha: number) {
  context.globalAlpha = alpha;
  context.lineWidth = width;
  context.beginPath();
  points.forEach((p, n) => (n ? context.lineTo(scale.x(p), scale.y(p.value)) : context.moveTo(scale.x(p), scale.y(p.value))));
  context.stroke();
  context.globalAlpha = 1;
}

function knot(context: CanvasRenderingContext2D, x: number, y: number, colour: string) {
  context.fillStyle = colour;
  context.fillRect(x - 2.5, y - 2.5, 5, 5);
}

function grid(context: CanvasRenderingContext2D, scale: Scale, frame: Frame, ink: Ink) {
  context.font = `11px ${ink.face}`;
  context.fillStyle = ink.faint;
  context.strokeStyle = ink.thread;
  context.lineWidth = 1;
  for (const value of ticks(scale.low, scale.high, frame.log)) {
    const y = Math.round(scale.y(value)) + 0.5;
    context.beginPath();
    context.moveTo(LEFT, y);
    context.lineTo(frame.width - RIGHT, y);
    context.stroke();
    context.textAlign = "right";
    context.fillText(figure(value), LEFT - 8, y + 4);
  }
  for (const value of ticks(0, scale.last, false)) {
    const x = LEFT + (value / scale.last) * (frame.width - LEFT - RIGHT);
    context.textAlign = value === 0 ? "left" : x > frame.width - 40 ? "right" : "center";
    context.fillText(frame.by === "step" ? figure(value) : `${figure(value)} s`, x, frame.height - 8);
  }
}

/** Round numbers between two. */
export function ticks(low: number, high: number, log: boolean): number[] {
  if (log && high / low > 3) {
    const found: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const digit of high / low > 100 ? [1] : [1, 2, 5]) {
        const value = digit * 10 ** power;
        if (value >= low && value <= high) found.push(value);
      }
    }
    return found;
  }
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((one) => one >= rough) ?? rough;
  const found: number[] = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9 * step; value += step) found.push(Number(value.toPrecision(12)));
  return found;
}

function reading(context: CanvasRenderingContext2D, lines: Line[], scale: Scale, frame: Frame, ink: Ink, read: number) {
  const x = LEFT + (read / scale.last) * (frame.width - LEFT - RIGHT);
  context.strokeStyle = ink.ink;
  context.beginPath();
  context.moveTo(x, TOP);
  context.lineTo(x, frame.height - FOOT);
  context.stroke();
  for (const line of lines) {
    const point = nearest(line.mean, frame.by, read);
    if (point) knot(context, scale.x(point), scale.y(point.value), line.colour);
  }
}

/** The place on the axis below a pixel. */
export function placeAt(pixel: number, scale: Scale, frame: Frame): number {
  const share = (pixel - LEFT) / (frame.width - LEFT - RIGHT);
  return Math.min(1, Math.max(0, share)) * scale.last;
}

export function nearest(points: Point[], by: Frame["by"], place: number): Point | null {
  let [low, high] = [0, points.length - 1];
  if (high < 0) return null;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle]![by] <= place) low = middle;
    else high = middle;
  }
  const [a, b] = [points[low]!, points[high]!];
  return Math.abs(a[by] - place) <= Math.abs(b[by] - place) ? a : b;
}
