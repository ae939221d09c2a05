// A grid of which only what is near the window is there, however many things it has. Cells have one size
// and are used again while it scrolls; the keyboard moves the chosen one.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { post } from "../api/client";
import { tell } from "../shell/notices";
import { dark } from "../shell/theme";
import type { Asset } from "./assets";
import { Cell } from "./Cell";
import type { Selection } from "./selection";
import type { Shelf } from "./shelf";

const GAP = 12;
const SPARE = 2; // rows above and below the window
const LEAST: [RegExp, number, number][] = [
  [/^(text|chemical|application)\//, 280, 170], // what is read
  [/./, 164, 216], // what is looked at
];

export interface GridProps {
  shelf: Shelf;
  selection: Selection;
  open: (asset: Asset) => void;
  remove: (assets: Asset[]) => void;
  change: (changed: Asset) => void;
}

export function Grid({ shelf, selection, open, remove, change }: GridProps) {
  const place = useRef<HTMLDivElement>(null);
  const [, least, high] = LEAST.find(([like]) => like.test(shelf.filter.media || "image/"))!;
  const row = high + GAP;
  const { columns, width, first, last, rows } = useWindow(place, least, row);
  const [active, setActive] = useState(0);
  const from = useRef(0); // where a range begins
  const total = shelf.total.value ?? 0;
  const end = Math.min(total, last);
  useEffect(() => setActive(0), [shelf]);
  useEffect(() => {
    const timer = setTimeout(() => shelf.want(first, end - 1), 40); // not while it flies by
    return () => clearTimeout(timer);
  }, [shelf, first, end, shelf.turn.value, total]);

  function move(to: number) {
    const next = Math.min(Math.max(0, to), total - 1);
    setActive(next);
    const [box, top] = [place.current!.getBoundingClientRect(), Math.floor(next / columns) * row];
    const [head, foot] = [12, 84];
    if (box.top + top < head) scrollBy(0, box.top + top - head);
    else if (box.top + top + high > innerHeight - foot) scrollBy(0, box.top + top + high - innerHeight + foot);
  }
  function pick(n: number, range: boolean) {
    const asset = shelf.at(n);
    if (!asset) return;
    if (range) {
      const [low, top] = [Math.min(from.current, n), Math.max(from.current, n)];
      selection.add(Array.from({ length: top - low + 1 }, (_, k) => shelf.at(low + k)).filter((one) => one !== undefined));
    } else selection.toggle(asset);
    from.current = n;
  }
  async function favour(asset: Asset) {
    change(await post<Asset>(`/v1/assets/${asset.id}`, { favourite: !asset.favourite }));
  }
  function pressed(event: KeyboardEvent) {
    const page = Math.max(1, Math.floor(innerHeight / row) - 1) * columns;
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: page, PageUp: -page, Home: -total, End: total };
    const asset = shelf.at(active);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) move(active + steps[event.key]!);
    else if (event.key === "Enter" && asset) open(asset);
    else if ((event.key === "x" || event.key === " ") && asset) pick(active, event.shiftKey);
    else if (event.key === "f" && asset) void favour(asset).catch(tell);
    else if (event.key === "Delete" && asset) remove(selection.all.value.size ? [...selection.all.value.values()] : [asset]);
    else if (event.key === "Escape") selection.clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  function clicked(event: MouseEvent, n: number) {
    setActive(n);
    const asset = shelf.at(n);
    if (event.shiftKey || event.ctrlKey || event.metaKey || (event.target as Element).closest(".gallery-pick")) pick(n, event.shiftKey);
    else if (asset) open(asset);
    place.current?.focus({ preventScroll: true });
  }
  const pool = rows * columns;
  const night = dark.value;
  const picked = selection.all.value;
  void shelf.turn.value;
  return (
    <div ref={place} class="gallery-grid" role="listbox" aria-label="What was made. Arrows move, Enter opens, x selects, f marks, Delete asks." aria-multiselectable="true" tabIndex={0}
      aria-activedescendant={active >= first && active < end ? `gallery-${active}` : undefined} aria-busy={shelf.total.value === null}
      style={{ height: `${Math.ceil(total / columns) * row}px` }} onKeyDown={pressed}>
      {Array.from({ length: Math.max(0, end - first) }, (_, k) => first + k).map((n) => {
        const asset = shelf.at(n);
        return (
          <Cell key={n % pool} n={n} total={total} asset={asset} night={night} active={n === active} picked={asset !== undefined && picked.has(asset.id)}
            x={(n % columns) * (width + GAP)} y={Math.floor(n / columns) * row} width={width} height={high} clicked={clicked} />
        );
      })}
    </div>
  );
}

interface Seen {
  columns: number;
  width: number; // of a cell
  first: number; // of the cells that are there
  last: number;
  rows: number; // that are there at most
}

/** What of the grid is near the window; looked at once a frame. */
function useWindow(place: { current: HTMLElement | null }, least: number, row: number): Seen {
  const [seen, setSeen] = useState<Seen>({ columns: 1, width: least, first: 0, last: 0, rows: 1 });
  useLayoutEffect(() => {
    let frame = 0;
    function look() {
      frame = 0;
      const box = place.current?.getBoundingClientRect();
      if (!box) return;
      const columns = Math.max(1, Math.floor((box.width + GAP) / (least + GAP)));
      const width = Math.floor((box.width - GAP * (columns - 1)) / columns);
      const top = Math.max(0, Math.floor(-box.top / row) - SPARE);
      const rows = Math.ceil(innerHeight / row) + 2 * SPARE + 1;
      const next = { columns, width, first: top * columns, last: (top + rows) * columns, rows };
      setSeen((was) => (JSON.stringify(was) === JSON.stringify(next) ? was : next));
    }
    const soon = () => void (frame ||= requestAnimationFrame(look));
    const watch = new ResizeObserver(soon);
    if (place.current) watch.observe(place.current);
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    look();
    return () => {
      cancelAnimationFrame(frame);
      watch.disconnect();
      removeEventListener("scroll", soon);
      removeEventListener("resize", soon);
    };
  }, [least, row]);
  return seen;
}
