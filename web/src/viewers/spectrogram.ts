// Sound as a spectrogram: how strong each frequency is at each time, in decibels, low ones below.

const SIZE = 512; // samples of a window
const RATE = 16_000; // of what is drawn: frequencies up to half of it
const COLUMNS = 600;
export const ROWS = 128;
const DEEP = 70; // decibels below the strongest that are still drawn

export interface Spectrogram {
  /** From 0 to 1, column by column, ROWS each, the lowest frequency first. */
  cells: Float32Array;
  columns: number;
  hertz: number;
}

export async function spectrogramOf(blob: Blob): Promise<Spectrogram> {
  const context = new OfflineAudioContext(1, 1, RATE);
  const sound = await context.decodeAudioData(await blob.arrayBuffer());
  const samples = sound.getChannelData(0);
  const columns = Math.max(1, Math.min(COLUMNS, Math.floor(samples.length / 64)));
  const cells = new Float32Array(columns * ROWS);
  let top = 1e-9;
  for (let column = 0; column < columns; column++) {
    const middle = Math.floor(((column + 0.5) / columns) * samples.length);
    const power = powers(samples, middle - SIZE / 2);
    for (let row = 0; row < ROWS; row++) {
      const cell = power[2 * row]! + power[2 * row + 1]!;
      cells[column * ROWS + row] = cell;
      top = Math.max(top, cell);
    }
  }
  for (let n = 0; n < cells.length; n++) cells[n] = Math.max(0, 1 + (10 * Math.log10(cells[n]! / top + 1e-12)) / DEEP);
  return { cells, columns, hertz: RATE / 2 };
}

/** Powers of SIZE / 2 frequencies of a Hann window that begins there; silence lies beyond the ends. */
function powers(samples: Float32Array, begin: number): Float64Array {
  const [re, im] = [new Float64Array(SIZE), new Float64Array(SIZE)];
  for (let n = 0; n < SIZE; n++) re[reversed(n)] = (samples[begin + n] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SIZE));
  for (let half = 1; half < SIZE; half *= 2) {
    for (let n = 0; n < half; n++) {
      const [cos, sin] = [Math.cos((Math.PI * n) / half), -Math.sin((Math.PI * n) / half)];
      for (let a = n; a < SIZE; a += 2 * half) {
        const b = a + half;
        const [x, y] = [cos * re[b]! - sin * im[b]!, sin * re[b]! + cos * im[b]!];
        [re[b], im[b]] = [re[a]! - x, im[a]! - y];
        re[a]! += x;
        im[a]! += y;
      }
    }
  }
  return Float64Array.from({ length: SIZE / 2 }, (_, n) => re[n]! ** 2 + im[n]! ** 2);
}

const BITS = Math.log2(SIZE);

function reversed(n: number): number {
  let out = 0;
  for (let bit = 0; bit < BITS; bit++) out |= ((n >> bit) & 1) << (BITS - 1 - bit);
  return out;
}
