// Sound: its waveform, drawn from the decoded samples, is where one seeks; space plays, arrows move.
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../look/Button";
import { dark } from "../shell/theme";
import { useAddress, useRead } from "./bytes";
import type { View } from "./kinds";
import { peaksOf, type Peaks } from "./peaks";
import { ROWS, type Spectrogram, spectrogramOf } from "./spectrogram";

export default function Sound({ blob, media, name }: View) {
  const address = useAddress(blob, media);
  const { data: peaks, error } = useRead(blob, peaksOf);
  const player = useRef<HTMLAudioElement>(null);
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const [spectral, setSpectral] = useState(false);
  const seconds = peaks?.seconds ?? 0;
  useEffect(() => {
    if (!playing) return;
    let frame = requestAnimationFrame(function look() {
      setAt(player.current?.currentTime ?? 0);
      frame = requestAnimationFrame(look);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing]);
  function seek(to: number) {
    const bounded = Math.min(seconds, Math.max(0, to));
    if (player.current) player.current.currentTime = bounded;
    setAt(bounded);
  }
  const turn = () => (playing ? player.current?.pause() : player.current?.play());
  function pressed(event: KeyboardEvent) {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, PageUp: at + 10, PageDown: at - 10, Home: 0, End: seconds }[event.key];
    if (to !== undefined) seek(to);
    else if (event.key === " ") void turn();
    else return;
    event.preventDefault();
  }
  return (
    <div class="viewer-sound">
      {address && (
        <audio ref={player} src={address} preload="auto" onPlay={() => setPlaying(true)} onPause={() => setPlaying(false)}
          onEnded={() => setPlaying(false)} />
      )}
      <div class="row">
        <Button square aria-label={playing ? "Pause" : "Play"} act={() => turn()}>{playing ? "❚❚" : "▶"}</Button>
        <div class="fill wave" tabIndex={0} role="slider" aria-label={`${name}: where it plays`} aria-valuemin={0} aria-valuemax={Math.round(seconds)}
          aria-valuenow={Math.round(at)} aria-valuetext={`${clock(at)} of ${clock(seconds)}`} onKeyDown={pressed}
          onPointerDown={(e) => {
            const { left, width } = e.currentTarget.getBoundingClientRect();
            seek(((e.clientX - left) / width) * seconds);
          }}>
          {peaks && !spectral && <Wave of={peaks} share={seconds ? at / seconds : 0} />}
          {peaks && spectral && <Spectrum blob={blob} share={seconds ? at / seconds : 0} />}
        </div>
        <span class="number small">{clock(at)} / {peaks ? clock(seconds) : "–"}</span>
      </div>
      {error && <p class="faint small">Its waveform cannot be drawn: {error.message}</p>}
      {peaks && <Button kind="quiet" aria-pressed={spectral} act={() => setSpectral(!spectral)}>Spectrogram</Button>}
      {peaks && <p class="faint small"><span class="number">{peaks.rate.toLocaleString()}</span> Hz, {peaks.channels === 1 ? "one channel" : `${peaks.channels} channels`}</p>}
    </div>
  );
}

function Spectrum({ blob, share }: { blob: Blob; share: number }) {
  const place = useRef<HTMLCanvasElement>(null);
  const { data } = useRead(blob, spectrogramOf);
  const night = dark.value;
  useEffect(() => {
    const context = place.current?.getContext("2d");
    if (context && data) paint(context, data);
  }, [data, night]);
  return (
    <>
      <canvas ref={place} width={data?.columns ?? 600} height={ROWS} aria-label={data ? `Spectrogram up to ${data.hertz.toLocaleString()} Hz` : undefined} />
      <span class="wave-at" style={`left: ${share * 100}%`} />
    </>
  );
}

/** Strong is the ink's colour, faint fades into the ground. */
function paint(context: CanvasRenderingContext2D, { cells, columns }: Spectrogram) {
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--indigo");
  context.clearRect(0, 0, columns, ROWS);
  context.fillStyle = ink;
  for (let n = 0; n < cells.length; n++) {
    if (cells[n]! <= 0.02) continue;
    context.globalAlpha = cells[n]!;
    context.fillRect(Math.floor(n / ROWS), ROWS - 1 - (n % ROWS), 1, 1);
  }
  context.globalAlpha = 1;
}

const clock = (seconds: number) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;

function Wave({ of, share }: { of: Peaks; share: number }) {
  const place = useRef<HTMLCanvasElement>(null);
  const night = dark.value;
  useEffect(() => {
    const canvas = place.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context) return;
    const style = getComputedStyle(document.documentElement);
    const [over, rest] = [style.getPropertyValue("--indigo"), style.getPropertyValue("--strong")];
    context.clearRect(0, 0, canvas.width, canvas.height);
    const step = canvas.width / of.high.length;
    of.high.forEach((high, n) => {
      const [top, foot] = [(1 - high) / 2, (1 - of.low[n]!) / 2];
      context.fillStyle = n / of.high.length < share ? over : rest;
      context.fillRect(n * step, top * canvas.height, Math.max(1, step - 1), Math.max(2, (foot - top) * canvas.height));
    });
  }, [of, share, night]);
  return <canvas ref={place} width={1200} height={128} />;
}
