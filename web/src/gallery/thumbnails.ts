// Small pictures and beginnings of texts: fetched a few at a time, not while they fly by, given up when
// they are scrolled away, and held in a bounded number; blob: addresses are given back.
import { useEffect, useState } from "preact/hooks";
import { fetched, part } from "../api/client";

export interface Thumbnail {
  address?: string;
  text?: string;
}

const MOST = 300; // that are held
const AT_ONCE = 6;
const WAIT = 60; // ms for which a cell has to be there before anything is asked for it
const FAST = 4; // pixels a millisecond at which nobody sees what a picture shows
const CALM = 100; // ms without scrolling after which nothing flies
const DRAWN = 256 * 1024; // bytes up to which a drawing is fetched whole, as no small one is made of it
const NONE: Thumbnail = {};

interface Wanted {
  id: string;
  path: string;
  seen: Set<(found: Thumbnail) => void>;
  leave: AbortController | null;
}

const held = new Map<string, Thumbnail>();
const shown = new Map<string, number>();
const wanted = new Map<string, Wanted>();

/** null until it is there; empty where there is none. */
export function useThumbnail(id: string | undefined, media: string, bytes: number): Thumbnail | null {
  const [found, setFound] = useState<{ id?: string; thumbnail: Thumbnail } | null>(null);
  useEffect(() => {
    if (!id) return;
    shown.set(id, (shown.get(id) ?? 0) + 1);
    const told = (thumbnail: Thumbnail) => setFound({ id, thumbnail });
    const here = held.get(id);
    if (here) told(here);
    let timer = 0;
    const wait = () => (timer = window.setTimeout(() => (flies() ? wait() : want(id, pathOf(id, media, bytes), told)), WAIT));
    if (!here) wait();
    return () => {
      clearTimeout(timer);
      leave(id, told);
    };
  }, [id]);
  if (!id) return null;
  return found?.id === id ? found.thumbnail : (held.get(id) ?? null);
}

const moved = { at: 0, top: 0, speed: 0 };
addEventListener("scroll", () => {
  const now = performance.now();
  moved.speed = Math.abs(scrollY - moved.top) / Math.max(1, now - moved.at);
  [moved.at, moved.top] = [now, scrollY];
}, { passive: true });

const flies = () => moved.speed > FAST && performance.now() - moved.at < CALM;

function pathOf(id: string, media: string, bytes: number): string {
  const whole = media === "image/svg+xml" && bytes <= DRAWN;
  const edge = devicePixelRatio > 1 ? 512 : 256;
  return `/v1/assets/${part(id)}/${whole ? "content" : `thumbnail?edge=${edge}`}`;
}

function want(id: string, path: string, told: (found: Thumbnail) => void): void {
  const one = wanted.get(id) ?? { id, path, seen: new Set(), leave: null };
  one.seen.add(told);
  wanted.set(id, one);
  next();
}

function leave(id: string, told: (found: Thumbnail) => void): void {
  const left = (shown.get(id) ?? 1) - 1;
  if (left > 0) shown.set(id, left);
  else shown.delete(id);
  const one = wanted.get(id);
  one?.seen.delete(told);
  if (!one || one.seen.size) return;
  one.leave?.abort();
  wanted.delete(id);
}

/** The newest wish first: it is where one looks now. */
function next(): void {
  const waiting = [...wanted.values()].filter((one) => !one.leave);
  const busy = wanted.size - waiting.length;
  for (const one of waiting.reverse().slice(0, Math.max(0, AT_ONCE - busy))) void fetchOne(one);
}

async function fetchOne(one: Wanted): Promise<void> {
  one.leave = new AbortController();
  try {
    const answer = await fetched("GET", one.path, undefined, { signal: one.leave.signal });
    const blob = await answer.blob();
    const text = blob.type.startsWith("text/");
    keep(one.id, text ? { text: await blob.text() } : { address: URL.createObjectURL(blob) });
  } catch (error) {
    if ((error as Error).name !== "AbortError") keep(one.id, NONE);
  }
  if (wanted.get(one.id) === one) wanted.delete(one.id);
  const found = held.get(one.id);
  if (found) for (const told of one.seen) told(found);
  next();
}

function keep(id: string, thumbnail: Thumbnail): void {
  forget(id);
  held.set(id, thumbnail);
  for (const old of held.keys()) {
    if (held.size <= MOST) return;
    if (!shown.has(old)) forget(old);
  }
}

function forget(id: string): void {
  const old = held.get(id);
  if (old?.address) URL.revokeObjectURL(old.address);
  held.delete(id);
}

/** How many are held, for those who watch that they are bounded. */
export const heldThumbnails = () => held.size;
