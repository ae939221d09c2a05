// A table: any number of rows and columns, of which those in sight are drawn; sorted by a column's
// head, under which its distribution stands.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { bytes } from "../look/numbers";
import { useRead } from "./bytes";
import { type Column, columnsOf, orderBy, spreadOf } from "./columns";
import { sheetOf, type Sheet } from "./csv";
import { Distribution } from "./Distribution";
import { type View, suffixIn } from "./kinds";
import Other from "./Other";
import type { Real } from "./real";

const MOST = 64 << 20; // bytes
const TALL = 28; // a row's pixels
const HEAD = 84;
const LETTER = 8.2;
const NUMBERS = 64; // the width of the rows' numbers
const BEYOND = 8; // rows drawn above and below

export default function Table(view: View) {
  const read = useMemo(() => reader(view.media, view.name), [view.media, view.name]);
  const { data, error } = useRead(view.blob, read);
  if (error) return <><p class="notice bad">{error.message}</p><Other {...view} /></>;
  return data && <Grid sheet={data} name={view.name} real={view.real} />;
}

const reader = (media: string, name: string) => async (blob: Blob) => {
  if (blob.size > MOST) throw new Error(`The table has ${bytes(blob.size)}: up to ${bytes(MOST)} are shown here.`);
  const tabs = media.startsWith("text/tab-") || suffixIn(name) === "tsv";
  return sheetOf(await blob.text(), tabs ? "\t" : ",");
};

export function Grid({ sheet, name, real }: { sheet: Sheet; name: string; real?: Real[] }) {
  const columns = useMemo(() => columnsOf(sheet), [sheet]);
  const [sorted, setSorted] = useState<{ at: number; down: boolean } | null>(null);
  const order = useMemo(() => (sorted ? orderBy(sheet, columns, sorted.at, sorted.down) : null), [sheet, columns, sorted]);
  const frame = useRef<HTMLDivElement>(null);
  const seen = useSeen(frame);
  const lefts = useMemo(() => leftsOf(columns, seen.width), [columns, seen.width]);
  const [firstRow, lastRow] = [Math.max(0, Math.floor(seen.top / TALL) - BEYOND), Math.min(sheet.rows.length, Math.ceil((seen.top + seen.height) / TALL) + BEYOND)];
  const shown = columns.map((_, at) => at).filter((at) => lefts[at + 1]! > seen.left - 200 && lefts[at]! < seen.left + seen.width + 200);
  const place = (at: number) => ({ left: lefts[at]!, width: lefts[at + 1]! - lefts[at]! });
  const numbers = Array.from({ length: Math.max(0, lastRow - firstRow) }, (_, n) => firstRow + n);
  const known = new Map((real ?? []).map((one) => [one.name, one]));
  return (
    <div class="viewer-table">
      <div class="grid" ref={frame} tabIndex={0} role="grid" aria-label={name} aria-rowcount={sheet.rows.length + 1} aria-colcount={columns.length}
        style={px({ height: Math.min(480, HEAD + TALL * sheet.rows.length + 18) })}>
        <div class="grid-all" style={px({ height: HEAD + TALL * sheet.rows.length, width: lefts.at(-1)! })}>
          <div class="grid-head" role="row" aria-rowindex={1} style={px({ height: HEAD, width: lefts.at(-1)! })}>
            <span class="grid-number" style={px({ width: NUMBERS })} role="columnheader">row</span>
            {shown.map((at) => (
              <Head key={at} sheet={sheet} column={columns[at]!} at={at} real={known.get(columns[at]!.name)} place={place(at)}
                sorted={sorted?.at === at ? (sorted.down ? "descending" : "ascending") : "none"}
                sort={() => setSorted(sorted?.at !== at ? { at, down: false } : sorted.down ? null : { at, down: true })} />
            ))}
          </div>
          {numbers.map((n) => {
            const row = order ? order[n]! : n;
            return (
              <div key={n} class="grid-row" role="row" aria-rowindex={n + 2} style={px({ top: HEAD + TALL * n, width: lefts.at(-1)! })}>
                <span class="grid-number" role="rowheader" style={px({ width: NUMBERS })}>{row + 1}</span>
                {shown.map((at) => (
                  <span key={at} role="gridcell" aria-colindex={at + 1} class={columns[at]!.numbers ? "number cut" : "cut"} style={px(place(at))}>{sheet.rows[row]![at]}</span>
                ))}
              </div>
            );
          })}
        </div>
      </div>
      <p class="faint small">
        <span class="number">{sheet.rows.length.toLocaleString()}</span> rows, <span class="number">{columns.length}</span> columns
        {known.size > 0 && <> · <span class="mark-made" /> made <span class="mark-real" /> real data</>}
      </p>
    </div>
  );
}

interface HeadProps {
  sheet: Sheet;
  column: Column;
  at: number;
  real?: Real;
  place: { left: number; width: number };
  sorted: "ascending" | "descending" | "none";
  sort: () => void;
}

function Head({ sheet, column, at, real, place, sorted, sort }: HeadProps) {
  const spread = useMemo(() => spreadOf(sheet, column, at, real), [sheet, column, at, real]);
  return (
    <div class="grid-column" role="columnheader" aria-colindex={at + 1} aria-sort={sorted} style={px(place)}>
      <button type="button" onClick={sort} title={`Sort by ${column.name}`}>
        <span class="cut">{column.name}</span><span aria-hidden="true">{{ ascending: "↑", descending: "↓", none: "" }[sorted]}</span>
      </button>
      <Distribution of={spread} width={place.width - 12} />
    </div>
  );
}

const px = (sizes: Record<string, number>) => Object.fromEntries(Object.entries(sizes).map(([name, value]) => [name, `${value}px`]));

/** As wide as what they hold; wider where there is room. */
function leftsOf(columns: Column[], room: number): number[] {
  const wide = columns.map((column) => Math.ceil(LETTER * column.width) + 20);
  const most = wide.reduce((sum, one) => sum + one, 0);
  const stretch = Math.min(1.8, Math.max(1, (room - NUMBERS - 2) / (most || 1)));
  const lefts = [NUMBERS];
  for (const one of wide) lefts.push(lefts.at(-1)! + Math.floor(stretch * one));
  return lefts;
}

/** Which part of what scrolls can be seen, once a frame. */
function useSeen(frame: { current: HTMLElement | null }) {
  const [seen, setSeen] = useState({ top: 0, left: 0, width: 900, height: 480 });
  useEffect(() => {
    const place = frame.current;
    if (!place) return;
    let asked = 0;
    const look = () => {
      asked ||= requestAnimationFrame(() => {
        asked = 0;
        setSeen({ top: place.scrollTop, left: place.scrollLeft, width: place.clientWidth, height: place.clientHeight });
      });
    };
    const watch = new ResizeObserver(look);
    watch.observe(place);
    place.addEventListener("scroll", look, { passive: true });
    return () => {
      cancelAnimationFrame(asked);
      watch.disconnect();
      place.removeEventListener("scroll", look);
    };
  }, []);
  return seen;
}
