// The settings that somebody is about to train with, kept with the data set under a version: typed
// here, saved a moment later. Of two tabs the one that saves second is told, and loses nothing.
import { useEffect, useRef, useState } from "preact/hooks";
import { Failed, get, part, post } from "../api/client";
import type { Dataset, Draft, Understood, Wanted } from "./told";

const SOON = 500; // milliseconds after the last change

export interface Conflict {
  mine: Wanted;
  theirs: Partial<Wanted>;
  version: number;
  fields: string[];
}

export interface Drafting {
  wanted: Wanted;
  change: (values: Partial<Wanted>) => void;
  saved: boolean;
  conflict: Conflict | null;
  /** Keep what stands here, or take what was saved elsewhere. */
  settle: (mine: boolean) => void;
}

export function first(found: Understood, start: string | null, called = ""): Wanted {
  const preset = found.presets.find((one) => one.name === found.medium) ?? found.presets[0];
  return { preset: preset?.name ?? "", length: "minutes", minutes: 2, size: "tiny", start: start ?? "", teacher: "", adapter: "", name: wordOf(called), licence: "", changes: "" };
}

/** What a data set is called, as far as a model may be called so. */
function wordOf(name: string): string {
  const stem = name.replace(/\.[A-Za-z0-9.]{1,12}$/, "").replace(/[^A-Za-z0-9._-]+/g, "-");
  return stem.replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "").slice(0, 40);
}

export function useDraft(of: Dataset, found: Understood, start: string | null): Drafting {
  const version = useRef(of.draft.version);
  const [wanted, setWanted] = useState<Wanted>(() => ({ ...first(found, start, of.name), ...of.draft.values, ...(start ? { start } : {}) }));
  const [saved, setSaved] = useState(true);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  useEffect(() => {
    if (saved || conflict) return;
    const timer = setTimeout(() => void save(wanted), SOON);
    return () => clearTimeout(timer);
  }, [wanted, saved, conflict]);
  async function save(values: Wanted) {
    const path = `/v1/datasets/${part(of.id)}`;
    try {
      version.current = (await post<Draft>(`${path}/draft`, { version: version.current, values })).version;
      setWanted((now) => (setSaved(now === values), now));
    } catch (error) {
      if (!(error instanceof Failed) || error.status !== 409) return; // the next change saves it, too
      const { draft } = await get<Dataset>(path);
      const fields = Object.keys(values).filter((name) => draft.values[name as keyof Wanted] !== values[name as keyof Wanted]);
      setConflict({ mine: values, theirs: draft.values, version: draft.version, fields });
    }
  }
  function change(values: Partial<Wanted>) {
    setWanted((now) => ({ ...now, ...values }));
    setSaved(false);
  }
  function settle(mine: boolean) {
    if (!conflict) return;
    version.current = conflict.version;
    setConflict(null);
    if (mine) setSaved(false);
    else {
      setWanted((now) => ({ ...now, ...conflict.theirs }));
      setSaved(true);
    }
  }
  return { wanted, change, saved, conflict, settle };
}

/** The change lines as the server takes them. */
export const linesOf = (changes: string) => changes.split("\n").map((line) => line.trim()).filter(Boolean);

/** A change of one setting among the lines; null takes it out. */
export function withChange(changes: string, name: string, value: string | null): string {
  const rest = linesOf(changes).filter((line) => line.split("=")[0]!.trim() !== name);
  return [...rest, ...(value === null ? [] : [`${name}=${value}`])].join("\n");
}
