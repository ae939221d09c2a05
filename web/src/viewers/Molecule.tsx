// Molecules: each line of the file is a SMILES (and perhaps a name), drawn flat as chemists do.
import { useMemo } from "preact/hooks";
import { useRead } from "./bytes";
import type { View } from "./kinds";
import { type AtomText, drawnOf, type Line } from "./molecules";

const MOST = 60; // drawn at once
const read = async (blob: Blob) => (await blob.text()).split("\n").map((line) => line.trim()).filter(Boolean);
const KNOWN = new Set(["N", "O", "S", "P", "F", "Cl", "Br", "I"]);

export default function Molecule({ blob, name }: View) {
  const { data, error } = useRead(blob, read);
  if (error) return <p class="notice bad">The molecules cannot be read: {error.message}</p>;
  if (!data) return null;
  return (
    <div class="viewer-molecules" aria-label={name} role="group">
      {data.slice(0, MOST).map((line, at) => <One key={at} line={line} />)}
      {data.length > MOST && <p class="faint small">{(data.length - MOST).toLocaleString()} more; save the file to see all.</p>}
    </div>
  );
}

function One({ line }: { line: string }) {
  const [smiles = "", ...words] = line.split(/\s+/);
  const drawn = useMemo(() => {
    try {
      return drawnOf(smiles);
    } catch (error) {
      return error instanceof Error ? error : new Error("it cannot be drawn");
    }
  }, [smiles]);
  return (
    <figure>
      {drawn instanceof Error ? (
        <p class="faint small">Not drawn: {drawn.message}.</p>
      ) : (
        <svg viewBox={drawn.box.join(" ")} role="img" aria-label={`The molecule ${smiles}`} style={{ maxWidth: `${1.6 * drawn.box[2]}px` }}>
          {drawn.lines.map((one, at) => <Bond key={at} {...one} />)}
          {drawn.rings.map((ring, at) => <circle key={at} class="molecule-bond" cx={ring.x} cy={ring.y} r={ring.radius} fill="none" />)}
          {drawn.atoms.map((atom, at) => <Atom key={at} {...atom} />)}
        </svg>
      )}
      <figcaption><code>{smiles}</code>{words.length > 0 && <span class="faint small"> {words.join(" ")}</span>}</figcaption>
    </figure>
  );
}

function Bond({ from, to, kind }: Line) {
  if (kind === "plain" || kind === "dashed") return <line class="molecule-bond" x1={from.x} y1={from.y} x2={to.x} y2={to.y} />;
  const whole = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [nx, ny] = [(-3.5 * (to.y - from.y)) / whole, (3.5 * (to.x - from.x)) / whole];
  if (kind === "wedge") return <path class="molecule-wedge" d={`M${from.x} ${from.y}L${to.x + nx} ${to.y + ny}L${to.x - nx} ${to.y - ny}Z`} />;
  return (
    <path class="molecule-bond" d={Array.from({ length: 7 }, (_, n) => {
      const t = (n + 1) / 7;
      const [x, y] = [from.x + t * (to.x - from.x), from.y + t * (to.y - from.y)];
      return `M${x + t * nx} ${y + t * ny}L${x - t * nx} ${y - t * ny}`;
    }).join("")} />
  );
}

function Atom({ x, y, element, hydrogens, charge, isotope, left }: AtomText) {
  const number = hydrogens > 1 ? <tspan class="molecule-low" dy="3">{hydrogens}</tspan> : null;
  const after = charge ? <tspan class="molecule-low" dy={hydrogens > 1 && !left ? -9 : -6}>{Math.abs(charge) > 1 ? Math.abs(charge) : ""}{charge > 0 ? "+" : "−"}</tspan> : null;
  const own = <>{isotope > 0 && <tspan class="molecule-low" dy="-5">{isotope}</tspan>}<tspan dy={isotope > 0 ? 5 : 0}>{element}</tspan></>;
  const anchor = hydrogens === 0 ? "middle" : left ? "end" : "start";
  const shift = hydrogens === 0 ? 0 : (left ? 1 : -1) * 4.5 * element.length;
  return (
    <text class={`molecule-atom ${KNOWN.has(element) ? `of-${element}` : ""}`} x={x + shift} y={y + 4.6} text-anchor={anchor}>
      {left && hydrogens > 0 && <>H{number}{number ? <tspan dy="-3">{"\u200B"}</tspan> : null}</>}
      {own}
      {!left && hydrogens > 0 && <>H{number}</>}
      {after}
    </text>
  );
}
