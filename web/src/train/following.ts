// A training's log as it grows: asked for by how much of it is known, so that nothing is missed or
// heard twice, whether the network was gone or the server began anew.
import { useEffect, useState } from "preact/hooks";
import { get, part } from "../api/client";
import type { Told } from "./told";

const OFTEN = 1000; // milliseconds between two looks
const PATIENT = 4000; // the same while nothing answers

interface Log {
  events: Told[];
  next: number;
  more: boolean;
  log: number;
}

export interface Followed {
  events: Told[];
  /** Why nothing comes, where nothing does. */
  trouble: string | null;
}

/** live: more may come. */
export function useLog(name: string, live: boolean): Followed {
  const [found, setFound] = useState<Followed & { name: string }>({ name, events: [], trouble: null });
  useEffect(() => {
    const leave = new AbortController();
    void follow(name, live, leave.signal, (events, trouble) => setFound({ name, events, trouble }));
    return () => leave.abort();
  }, [name, live]);
  return found.name === name ? found : { events: [], trouble: null };
}

type Tell = (events: Told[], trouble: string | null) => void;

async function follow(name: string, live: boolean, signal: AbortSignal, tell: Tell): Promise<void> {
  let events: Told[] = [];
  let [next, log] = [0, 0];
  while (!signal.aborted) {
    let wait = OFTEN;
    try {
      const told = await get<Log>(`/v1/trainings/${part(name)}/metrics?after=${next}`, { signal });
      const anew = told.log !== log || told.next < next; // the same name is trained again
      if (anew && log) events = [];
      if (anew && log && next) {
        [next, log] = [0, told.log];
        continue;
      }
      [next, log] = [told.next, told.log];
      if (told.events.length || !events.length) tell((events = joined(events, told.events)), null);
      if (told.more) continue;
      if (!live) return;
    } catch (error) {
      if (signal.aborted) return;
      tell(events, (error as Error).message);
      wait = PATIENT;
    }
    await new Promise((done) => setTimeout(done, document.hidden ? 5 * wait : wait));
  }
}

/** A step that was taken again, after a stop or a roll back, counts as it was last. */
function joined(have: Told[], more: Told[]): Told[] {
  const first = more.find((one) => one.kind === "step")?.step;
  const last = have.findLast((one) => one.kind === "step")?.step ?? -1;
  if (first === undefined || first > last) return [...have, ...more];
  return [...have.filter((one) => one.kind !== "step" || one.step < first), ...more];
}
