// The server's last lines: by level, by words, followed as they come.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api/client";
import { Field } from "../look/Field";
import { count } from "../look/numbers";
import { said } from "../shell/notices";
import type { Line } from "./told";

const LEVELS = [["info", "all"], ["warning", "warnings and errors"], ["error", "errors"]] as const;
const OFTEN = 1500; // milliseconds
const MOST = 2000; // lines that are shown

export function Log() {
  const [level, setLevel] = useState("info");
  const [words, setWords] = useState("");
  const [follow, setFollow] = useState(true);
  const { lines, error } = useLines(level, words, follow);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (follow && place.current) place.current.scrollTop = place.current.scrollHeight;
  }, [lines, follow]);
  return (
    <div class="stack">
      <div class="row admin-choices">
        <Field name="Level">
          {(tied) => (
            <select {...tied} class="input" value={level} onChange={(e) => setLevel(e.currentTarget.value)}>
              {LEVELS.map(([id, name]) => <option key={id} value={id}>{name}</option>)}
            </select>
          )}
        </Field>
        <Field name="Holding the words">
          {(tied) => <input {...tied} class="input" type="search" maxLength={200} value={words} onInput={(e) => setWords(e.currentTarget.value)} />}
        </Field>
        <label class="row admin-follow"><input type="checkbox" checked={follow} onChange={() => setFollow(!follow)} />Follow</label>
      </div>
      {error && <p class="notice bad">{said(error)}</p>}
      <p class="faint small">
        {count(lines?.length)} lines, the last {count(MOST)} at most. Prompts, answers and keys never stand in the log. What a model's process says itself goes to the server's standard error.
      </p>
      <div ref={place} class="admin-log" tabIndex={0} role="log" aria-label="Lines of the log" aria-live="off">
        {lines === null && !error && <p class="faint" aria-busy="true">Loading…</p>}
        {lines?.map((line) => <OneLine key={line.number} line={line} />)}
        {lines?.length === 0 && <p class="faint">No such line.</p>}
      </div>
    </div>
  );
}

function OneLine({ line }: { line: Line }) {
  const time = new Date(1000 * line.time).toISOString().slice(11, 23);
  return (
    <div class={`line ${line.level}`}>
      <time class="faint">{time}</time> <span class="level">{line.level}</span> <span>{line.message}</span>
      {line.where.length > 0 && <div class="where">{line.where.join("\n")}</div>}
    </div>
  );
}

function useLines(level: string, words: string, follow: boolean) {
  const [lines, setLines] = useState<Line[] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    const leave = new AbortController();
    let last = 0;
    async function ask() {
      const query = new URLSearchParams({ level, search: words, after: String(last), limit: String(MOST) });
      try {
        const found = await get<{ data: Line[]; last: number }>(`/v1/admin/logs?${query}`, { signal: leave.signal });
        const anew = last === 0 || found.last < last; // the server began anew
        last = found.last;
        setError(null);
        if (anew) setLines(found.data);
        else if (found.data.length) setLines((were) => [...(were ?? []), ...found.data].slice(-MOST));
      } catch (failed) {
        if ((failed as Error).name !== "AbortError") setError(failed as Error);
      }
    }
    const first = setTimeout(ask, words ? 200 : 0);
    const timer = follow ? setInterval(() => document.hidden || ask(), OFTEN) : undefined;
    return () => {
      leave.abort();
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [level, words, follow]);
  return { lines, error };
}
