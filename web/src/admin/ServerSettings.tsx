// How the server was started: every limit and place, to be read. They change when it starts anew.
import { useAsked } from "../api/asked";
import { Asking } from "./Asking";
import { bytes, count } from "../look/numbers";

const BYTES = /bytes$|^memory|^disk/;

type Told = Record<string, unknown>;

interface Machine extends Told {
  extras: { name: string; there: boolean; for: string }[];
  faults: string[];
}

export function ServerSettings() {
  const machine = useAsked<Machine>("/v1/admin/machine");
  const settings = useAsked<Told>("/v1/admin/settings");
  return (
    <div class="stack">
      <Asking asked={settings}>
        {({ object: _, limits, jobs, ...rest }) => (
          <>
            <p class="faint small">As the server was started; genloom serve has a flag for most. Nothing here can be changed while it runs.</p>
            <Box title="Server" told={rest} />
            <Box title="Limits of requests" told={limits as Told} />
            <Box title="Limits of jobs" told={jobs as Told} />
          </>
        )}
      </Asking>
      <Asking asked={machine}>
        {({ object: _, extras, faults, ...rest }) => (
          <>
            <Box title="This machine" told={rest} />
            {faults.map((fault) => <p key={fault} class="notice bad">{fault}</p>)}
            <section class="panel stack" aria-label="Libraries">
              <div><h2>Libraries</h2><p class="faint small">What not everybody needs. genloom doctor says more: the device, its kernels, the sandbox.</p></div>
              <dl class="admin-facts">
                {extras.map((one) => <div key={one.name}><dt>{one.for}</dt><dd><span class="number">{one.name}</span> {one.there ? "is there" : "is missing"}</dd></div>)}
              </dl>
            </section>
          </>
        )}
      </Asking>
    </div>
  );
}

function Box({ title, told }: { title: string; told: Told }) {
  return (
    <section class="panel stack" aria-label={title}>
      <h2>{title}</h2>
      <dl class="admin-facts">
        {Object.entries(told).map(([name, value]) => (
          <div key={name}><dt>{name.replaceAll("_", " ")}</dt><dd class="number">{shown(name, value)}</dd></div>
        ))}
      </dl>
    </section>
  );
}

function shown(name: string, value: unknown): string {
  if (value === null || value === "") return "not set";
  if (name === "models" && Array.isArray(value) && !value.length) return "all in the folder of models";
  if (typeof value === "number") return BYTES.test(name) ? bytes(value) : Number.isInteger(value) ? count(value) : String(value);
  if (Array.isArray(value)) return value.join(", ") || "none";
  if (typeof value === "object") return Object.entries(value as Told).map(([k, v]) => `${k}: ${v === null ? "not set" : typeof v === "object" ? JSON.stringify(v) : v}`).join(", ") || "none";
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}
