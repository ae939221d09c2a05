// A row of small bars from numbers; the numbers themselves stand in the table beside it.
import { figure } from "../look/numbers";

export interface Bar {
  name: string;
  value: number;
}

const HIGH = 100;
const GAP = 0.2;

export function Bars({ bars, label, small = false }: { bars: Bar[]; label: string; small?: boolean }) {
  const most = Math.max(...bars.map((bar) => bar.value), 0);
  const high = bars.find((bar) => bar.value === most);
  const told = most > 0 && high ? `${label}; most ${figure(most)} on ${high.name}` : `${label}; none`;
  return (
    <figure class={`admin-bars ${small ? "small" : ""}`}>
      <svg viewBox={`0 0 ${bars.length} ${HIGH}`} preserveAspectRatio="none" role="img" aria-label={told}>
        {bars.map((bar, n) => {
          const height = most > 0 ? (HIGH * bar.value) / most : 0;
          return <rect key={bar.name} x={n + GAP / 2} width={1 - GAP} y={HIGH - height} height={height}><title>{`${bar.name}: ${figure(bar.value)}`}</title></rect>;
        })}
      </svg>
      {!small && bars.length > 0 && (
        <figcaption class="row between faint small number">
          <span>{bars[0]!.name}</span><span>most {figure(most)}</span><span>{bars[bars.length - 1]!.name}</span>
        </figcaption>
      )}
    </figure>
  );
}
