// A weave is the picture of a fingerprint: a loom's threading, tie-up and treadling are read out of
// it, and what a loom would weave by them is the pattern. Equal weights have equal cloth.

/** Eight shafts, so that a repeat is a field of WARP by WEFT crossings. */
const SHAFTS = 8;
export const WARP = 16;
export const WEFT = 16;

/** Any text as 32 well-mixed bytes: hex digits are taken as they are, other texts are hashed. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(32);
  let state = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) state = Math.imul(state ^ text.charCodeAt(n), 0x01000193);
  for (let n = 0; n < bytes.length; n++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + n;
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39);
    bytes[n] = (state ^ (state >>> 15)) & 255;
  }
  return bytes;
}

/** Which thread is on top at each crossing, [WEFT][WARP]; true: the warp. */
export function drawdown(text: string): boolean[][] {
  const bytes = bytesOf(text);
  const at = (n: number) => bytes[n % bytes.length] ?? 0;
  const threading = walk(WARP, at(0), at(1));
  const treadling = walk(WEFT, at(2), at(3));
  // A balanced tie-up: each treadle raises half of the shafts, next to each other but for one.
  const tieup = Array.from({ length: SHAFTS }, (_, treadle) =>
    Array.from({ length: SHAFTS }, (_, shaft) => {
      const turned = (shaft + treadle) % SHAFTS;
      return turned < 3 || turned === 3 + (at(4) % 4);
    }),
  );
  return treadling.map((treadle) => threading.map((shaft) => tieup[treadle]?.[shaft] ?? false));
}

/** A threading as weavers write it: up and down the shafts, mirrored so that it repeats. */
function walk(length: number, turn: number, step: number): number[] {
  const half: number[] = [];
  let shaft = turn % SHAFTS;
  for (let n = 0; n < length / 2; n++) {
    half.push(shaft);
    shaft = (shaft + (((step >> n % 8) & 1) === 1 ? 1 : 1 + (turn % 3))) % SHAFTS;
  }
  return [...half, ...half.slice().reverse()];
}

/** Warp and weft as they are dyed, by day and by night. */
export function dyes(text: string, night: boolean): [string, string] {
  const [warp, weft] = yarns(text);
  return night ? [`hsl(${warp} 45% 72%)`, `hsl(${weft} 38% 30%)`] : [`hsl(${warp} 45% 34%)`, `hsl(${weft} 38% 84%)`];
}

/** The warp as a line that is read on any ground. */
export const line = (text: string, night: boolean) => `hsl(${yarns(text)[0]} ${night ? "70% 72%" : "62% 36%"})`;

/** Two yarns, as hues: of the warp and of the weft. */
function yarns(text: string): [number, number] {
  const bytes = bytesOf(text);
  const hues = [232, 8, 46, 162, 200, 286, 24, 120];
  const warp = (bytes[8] ?? 0) % hues.length;
  const weft = (warp + 1 + ((bytes[9] ?? 0) % (hues.length - 1))) % hues.length;
  return [hues[warp] ?? 0, hues[weft] ?? 0];
}
