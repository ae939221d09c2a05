// Shows a finished thing: an asset by its id, or bytes at hand. Which viewer is the table's choice
// (kinds.ts); here bytes are fetched with the key, and what cannot be shown is said.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useBlob } from "./bytes";
import { type View, kindOf } from "./kinds";
import type { Real } from "./real";
import "./viewers.css";

export interface ViewerProps {
  asset?: string;
  bytes?: Blob | Uint8Array | string;
  media: string;
  name: string;
  /** What the real data's columns look like, drawn beside those of a table. */
  real?: Real[];
}

export function Viewer({ asset, bytes, media, name, real }: ViewerProps) {
  const { blob, error } = useBlob(asset, bytes, media);
  const [Inside, setInside] = useState<ComponentType<View> | null>(null);
  const [broken, setBroken] = useState(false);
  const kind = kindOf(media, name);
  useEffect(() => {
    setBroken(false);
    kind.load().then((found) => setInside(() => found.default), () => setBroken(true));
  }, [kind]);
  if (error) return <p class="notice bad">{error.message}</p>;
  if (broken) return <p class="notice bad">This viewer could not be loaded: the server has gone, or was renewed.</p>;
  if (!blob || !Inside) return <p class="faint viewer-wait" aria-busy="true">Loading…</p>;
  return <div class="viewer" data-kind={kind.name}><Inside blob={blob} media={media} name={name} real={real} /></div>;
}
