// The frame of every room: the rail, the way between rooms by keys, notices, and the room itself,
// which is loaded once one goes there.
import type { ComponentType } from "preact";
import { useCallback, useEffect, useErrorBoundary, useRef, useState } from "preact/hooks";
import { locked } from "../api/client";
import { Weave } from "../look/Weave";
import { Away, Broken } from "./Away";
import { Key } from "./Key";
import { useKey } from "./keys";
import { Notices } from "./notices";
import { KeyHelp, Palette } from "./Palette";
import { FIRST, ROOMS } from "./rooms";
import { go, place, to } from "./router";
import { dark, theme } from "./theme";

type Opened = "palette" | "keys" | null;

export function Shell() {
  const [opened, setOpened] = useState<Opened>(null);
  useKey("Control+k", "go to a room or a model", useCallback(() => setOpened("palette"), []), true);
  useKey("?", "what the keyboard does here", useCallback(() => setOpened("keys"), []));
  const here = Object.hasOwn(ROOMS, place.value.room) ? place.value.room : FIRST;
  useArrival(here);
  useEffect(() => setOpened(null), [locked.value]);
  if (locked.value) return <><Key /><Away /><Notices /></>;
  return (
    <div class="shell">
      <a class="skip" href="#room" onClick={(e) => { e.preventDefault(); document.getElementById("room")?.focus(); }}>To the page</a>
      <nav class="rail" aria-label="Rooms">
        <a class="brand" href={to(FIRST)} aria-label="Genloom"><Weave of="genloom" size={32} /><span>Genloom</span></a>
        <div class="rooms">
          {Object.keys(ROOMS).map((id) => <RoomLink key={id} id={id} current={id === here} />)}
        </div>
        <div class="rail-end">
          <button type="button" class="button quiet" onClick={() => setOpened("palette")}>Go to <kbd>Ctrl K</kbd></button>
          <button type="button" class="button quiet rail-keys" onClick={() => setOpened("keys")}>Keys <kbd>?</kbd></button>
          <button type="button" class="button quiet" onClick={() => (theme.value = dark.value ? "light" : "dark")}>
            {dark.value ? "Light" : "Dark"}
          </button>
        </div>
      </nav>
      <main id="room" tabIndex={-1}><Away /><Opening id={here} key={here} /></main>
      {opened === "palette" && <Palette close={() => setOpened(null)} />}
      {opened === "keys" && <KeyHelp close={() => setOpened(null)} />}
      <Notices />
    </div>
  );
}

/** Whoever goes to a room begins at its top, with the keyboard and the screen reader, too. */
function useArrival(here: string) {
  const before = useRef(here);
  useEffect(() => {
    if (before.current === here) return;
    before.current = here;
    scrollTo(0, 0);
    document.getElementById("room")?.focus({ preventScroll: true });
  }, [here]);
}

function RoomLink({ id, current }: { id: string; current: boolean }) {
  const room = ROOMS[id]!;
  useKey(`g ${room.key}`, room.name, useCallback(() => go(id), [id]));
  return (
    <a href={to(id)} aria-current={current ? "page" : undefined}>
      <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d={room.mark} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" /></svg>
      <span>{room.name}</span>
    </a>
  );
}

function Opening({ id }: { id: string }) {
  const [Inside, setInside] = useState<ComponentType | null>(null);
  const [missing, setMissing] = useState(false);
  const [failed] = useErrorBoundary();
  useEffect(() => {
    document.title = `${ROOMS[id]!.name} · Genloom`;
    ROOMS[id]!.load().then((found) => setInside(() => found.default), () => setMissing(true));
  }, [id]);
  if (missing) return <Broken why="It could not be loaded: the server is away, or was renewed." />;
  if (failed) return <Broken why={(failed as Error).message} />;
  return Inside ? <Inside /> : <p class="faint" aria-busy="true">Loading…</p>;
}
