// One thing in the grid: its small picture or how it begins, along its edge the cloth of its model.
import { useState } from "preact/hooks";
import { type Asset, plain, titleOf, weaveOf } from "./assets";
import { selvedge } from "../look/Selvedge";
import { useThumbnail } from "./thumbnails";

const SMALL = 96; // pixels of a side up to which each is drawn as a square

export interface CellProps {
  n: number;
  total: number;
  asset: Asset | undefined;
  night: boolean;
  active: boolean;
  picked: boolean;
  x: number;
  y: number;
  width: number;
  height: number;
  clicked: (event: MouseEvent, n: number) => void;
}

export function Cell({ n, total, asset, night, active, picked, x, y, width, height, clicked }: CellProps) {
  const style = { transform: `translate(${x}px, ${y}px)`, width: `${width}px`, height: `${height}px` };
  const tied = { id: `gallery-${n}`, role: "option" as const, "aria-selected": picked, "aria-posinset": n + 1, "aria-setsize": total, style };
  if (!asset) return <div {...tied} class="gallery-cell waiting" aria-label="Loading" />;
  const title = titleOf(asset);
  return (
    <div {...tied} class={`gallery-cell${active ? " active" : ""}${picked ? " picked" : ""}`} onClick={(event) => clicked(event, n)}>
      <span class="gallery-edge" style={{ backgroundImage: selvedge(weaveOf(asset), night) }} />
      <Face asset={asset} />
      <span class="gallery-title cut">{title}</span>
      <span class="gallery-model cut faint">{plain(asset.model ?? "")}</span>
      <span class="visually-hidden">{asset.media}{asset.model ? "" : ", by an unknown model"}{asset.favourite ? ", a favourite" : ""}</span>
      {asset.favourite && <span class="gallery-favourite" aria-hidden="true">★</span>}
      <span class="gallery-pick" aria-hidden="true" />
    </div>
  );
}

function Face({ asset }: { asset: Asset }) {
  const found = useThumbnail(asset.id, asset.media, asset.bytes);
  const [small, setSmall] = useState(false);
  if (!found) return <span class="gallery-face" aria-hidden="true" />;
  if (found.address) {
    return (
      <span class="gallery-face" aria-hidden="true">
        <img src={found.address} alt="" decoding="async" draggable={false} class={small ? "exact" : undefined}
          onLoad={(e) => setSmall(Math.max(e.currentTarget.naturalWidth, e.currentTarget.naturalHeight) <= SMALL)} />
      </span>
    );
  }
  if (found.text !== undefined) return <span class="gallery-face said" aria-hidden="true">{plain(found.text)}</span>;
  return <span class="gallery-face none number" aria-hidden="true">{asset.media}</span>;
}
