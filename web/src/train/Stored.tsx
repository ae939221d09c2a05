// Something small that the server keeps beside a data set or a training, fetched with the key and
// shown by the viewer of its media type.
import { useEffect, useState } from "preact/hooks";
import { fetched } from "../api/client";
import { Viewer } from "../viewers/Viewer";

export function Stored({ path, media, name }: { path: string; media: string; name: string }) {
  const [found, setFound] = useState<{ path: string; blob: Blob | null; error: string | null }>({ path, blob: null, error: null });
  useEffect(() => {
    const leave = new AbortController();
    fetched("GET", path, undefined, { signal: leave.signal })
      .then((answer) => answer.blob())
      .then((blob) => setFound({ path, blob, error: null }))
      .catch((error: Error) => error.name === "AbortError" || setFound({ path, blob: null, error: error.message }));
    return () => leave.abort();
  }, [path]);
  if (found.path !== path || (!found.blob && !found.error)) return <p class="faint small" aria-busy="true">Loading…</p>;
  if (!found.blob) return <p class="notice bad">{found.error}</p>;
  return <Viewer bytes={found.blob} media={media} name={name} />;
}
