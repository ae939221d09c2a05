// The bytes of what is shown, and an address of them that only this page knows: blob:, given back
// when it is not shown any more.
import { useEffect, useMemo, useState } from "preact/hooks";
import { fetched, part } from "../api/client";

/** An asset's file, fetched with the key. */
export async function assetBlob(asset: string, signal?: AbortSignal): Promise<Blob> {
  return (await fetched("GET", `/v1/assets/${part(asset)}/content`, undefined, { signal })).blob();
}

type Bytes = Blob | Uint8Array | string;

/** Bytes at hand, or an asset's; null until they are there. */
export function useBlob(asset: string | undefined, bytes: Bytes | undefined, media: string) {
  const [found, setFound] = useState<{ asset: string; blob: Blob | null; error: Error | null } | null>(null);
  const held = useMemo(() => (bytes === undefined ? null : asBlob(bytes, media)), [bytes, media]);
  useEffect(() => {
    if (held || !asset) return;
    const leave = new AbortController();
    assetBlob(asset, leave.signal).then(
      (blob) => setFound({ asset, blob, error: null }),
      (error: Error) => error.name === "AbortError" || setFound({ asset, blob: null, error }),
    );
    return () => leave.abort();
  }, [asset, held]);
  if (held) return { blob: held, error: null };
  return found && found.asset === asset ? found : { blob: null, error: null };
}

export function asBlob(bytes: Bytes, media: string): Blob {
  return bytes instanceof Blob ? bytes : new Blob([bytes as BlobPart], { type: media });
}

/** A blob: address for <img>, <audio> and <video>. media: what the browser is to take it for. */
export function useAddress(blob: Blob, media: string): string | null {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    const made = URL.createObjectURL(blob.type === media ? blob : new Blob([blob], { type: media }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [blob, media]);
  return address;
}

/** What is read out of the bytes, once; an error is told in its place. */
export function useRead<T>(blob: Blob, read: (blob: Blob) => Promise<T>): { data: T | null; error: Error | null } {
  const [found, setFound] = useState<{ blob: Blob; data: T | null; error: Error | null } | null>(null);
  useEffect(() => {
    let here = true;
    const told = (data: T | null, error: Error | null) => here && setFound({ blob, data, error });
    read(blob).then((data) => told(data, null), (error: Error) => told(null, error));
    return () => void (here = false);
  }, [blob, read]);
  return found && found.blob === blob ? found : { data: null, error: null };
}

/** Offers the bytes as a file to keep. */
export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const SUFFIXES: Record<string, string> = {
  "text/plain": ".txt", "text/csv": ".csv", "text/html": ".html", "application/json": ".json", "application/jsonl": ".jsonl", "image/png": ".png",
  "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif", "image/svg+xml": ".svg", "audio/wav": ".wav", "audio/mpeg": ".mp3",
  "video/mp4": ".mp4", "video/webm": ".webm", "model/gltf-binary": ".glb", "model/obj": ".obj", "model/stl": ".stl",
  "chemical/x-daylight-smiles": ".smi", "text/x-fasta": ".fasta",
};

/** How files of a media type end. */
export const suffixOf = (media: string) => SUFFIXES[media.split(";")[0]!.trim()] ?? "";
