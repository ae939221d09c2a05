// Admin: the server as it stands, who may use it and how much they did, its work, its log.
import "./admin.css";
import type { ComponentType } from "preact";
import { useAsked } from "../api/asked";
import { Tabs } from "../look/Tabs";
import { said } from "../shell/notices";
import { go, place } from "../shell/router";
import { Audit } from "./Audit";
import { JobList } from "./JobList";
import { Keys } from "./Keys";
import { LiveView } from "./LiveView";
import { Log } from "./Log";
import { ServerSettings } from "./ServerSettings";
import { Storage } from "./Storage";
import type { Live } from "./told";
import { Usage } from "./Usage";
import { Users } from "./Users";

const PARTS: Record<string, [name: string, part: ComponentType]> = {
  live: ["Now", LiveView],
  jobs: ["Jobs", JobList],
  keys: ["Keys", Keys],
  users: ["Users", Users],
  usage: ["Usage", Usage],
  log: ["Log", Log],
  audit: ["Audit", Audit],
  storage: ["Storage", Storage],
  settings: ["Settings", ServerSettings],
};
const TABS = Object.entries(PARTS).map(([id, [name]]) => [id, name] as const);

export default function Admin() {
  const live = useAsked<Live>("/v1/admin/live");
  const asked = place.value.rest[0] ?? "live";
  const chosen = asked in PARTS ? asked : "live";
  const Part = PARTS[chosen]![1];
  return (
    <div class="stack">
      <h1>Admin</h1>
      {live.error && <p class="notice bad">{said(live.error)}</p>}
      {live.data && !live.data.keyed && (
        <p class="notice warn" role="note">
          No key was ever made: everybody who uses this machine is admin here. The first key ends that, and from then
          on nothing opens without one.
        </p>
      )}
      {!live.error && !live.data && <p class="faint" aria-busy="true">Loading…</p>}
      {live.data && (
        <Tabs label="Admin" tabs={TABS} chosen={chosen} choose={(id) => go("admin", [id])}>
          <Part key={chosen} />
        </Tabs>
      )}
    </div>
  );
}
