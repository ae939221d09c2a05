// What a page shows of the server: asked for when it is mounted, again on demand, every so often,
// and once a server that was away is back.
import { useEffect, useState } from "preact/hooks";
import { get } from "./client";
import { returns } from "./reach";

export interface Asked<T> {
  data: T | null;
  error: Error | null;
  loading: boolean;
  again: () => void;
}

/** path null: nothing is asked. every: seconds, while the page can be seen. */
export function useAsked<T>(path: string | null, every = 0): Asked<T> {
  const [found, setFound] = useState<{ path: string | null; data: T | null; error: Error | null }>({ path: null, data: null, error: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (path === null) return;
    const leave = new AbortController();
    get<T>(path, { signal: leave.signal }).then(
      (data) => setFound({ path, data, error: null }),
      (error: Error) => {
        if (error.name !== "AbortError") setFound((was) => ({ path, data: was.path === path ? was.data : null, error }));
      },
    );
    return () => leave.abort();
  }, [path, turn, returns.value]);
  useEffect(() => {
    if (!every || path === null) return;
    const timer = setInterval(() => document.hidden || setTurn((n) => n + 1), 1000 * every);
    return () => clearInterval(timer);
  }, [path, every]);
  const current = found.path === path;
  return {
    data: current ? found.data : null,
    error: current ? found.error : null,
    loading: path !== null && !current,
    again: () => setTurn((n) => n + 1),
  };
}
