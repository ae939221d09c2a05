// The frame of every room: the rail, the way between rooms by keys, notices, and the room itself,
// which is loaded once one goes there.
import type { ComponentType } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { locked } from "../api/client";
import { Weave } from "../look/Weave";
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
  if (locked.value) return <><Key /><Notices /></>;
  const here = place.value.room in ROOMS ? place.value.room : FIRST;
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
          <button type="button" class="button quiet" onClick={() => (theme.value = dark.value ? "light" : "dark")}>
            {dark.value ? "Light" : "Dark"}
          </button>
        </div>
      </nav>
      <main id="room" tabIndex={-1}><Opening id={here} key={here} /></main>
      {opened === "palette" && <Palette close={() => setOpened(null)} />}
      {opened === "keys" && <KeyHelp close={() => setOpened(null)} />}
      <Notices />
    </div>
  );
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
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    document.title = `${ROOMS[id]!.name} · Genloom`;
    ROOMS[id]!.load().then((found) => setInside(() => found.default), () => setBroken(true));
  }, [id]);
  if (broken) return <p class="notice bad">This page could not be loaded: the server has gone, or was renewed. <a href={location.pathname}>Load it again</a></p>;
  return Inside ? <Inside /> : <p class="faint" aria-busy="true">Loading…</p>;
}
