// Sound as what a waveform needs: the highest and lowest sample of each of some hundred parts.

export interface Peaks {
  high: number[];
  low: number[];
  seconds: number;
  rate: number;
  channels: number;
}

const PARTS = 300;
const MOST = 64 << 20; // bytes that are decoded

export async function peaksOf(blob: Blob): Promise<Peaks> {
  if (blob.size > MOST) throw new Error("it is too long");
  const context = new OfflineAudioContext(1, 1, 44_100);
  const sound = await context.decodeAudioData(await blob.arrayBuffer());
  const high = new Array<number>(PARTS).fill(-1);
  const low = new Array<number>(PARTS).fill(1);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    const samples = sound.getChannelData(channel);
    for (let n = 0; n < samples.length; n++) {
      const part = Math.floor((n * PARTS) / samples.length);
      const x = samples[n]!;
      if (x > high[part]!) high[part] = x;
      if (x < low[part]!) low[part] = x;
    }
  }
  for (let part = 0; part < PARTS; part++) if (low[part]! > high[part]!) low[part] = high[part] = 0;
  const rate = (await rateOf(blob)) ?? sound.sampleRate;
  return { high, low, seconds: sound.duration, rate, channels: sound.numberOfChannels };
}

/** The rate that a WAV file tells; decoding brings everything to one rate. */
async function rateOf(blob: Blob): Promise<number | null> {
  const head = new DataView(await blob.slice(0, 28).arrayBuffer());
  return head.byteLength === 28 && head.getUint32(0) === 0x52494646 ? head.getUint32(24, true) : null;
}
