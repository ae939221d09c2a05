// What the server tells those who look after it, and the names of the accounts that it counts.
import { useMemo } from "preact/hooks";
import { useAsked } from "../api/asked";

export const DAILY = ["requests", "tokens", "images", "seconds"] as const;
export type Unit = (typeof DAILY)[number];
export type Quotas = Partial<Record<Unit, number>>;
export const SCOPES = ["inference", "files", "training", "models", "metrics", "admin"] as const;

export interface Key {
  id: string;
  prefix: string;
  name: string;
  user_id: string | null;
  role: string;
  scopes: string[];
  quotas: Quotas;
  created: number;
  expires: number | null;
  revoked: number | null;
  used: number | null;
}

export interface User {
  id: string;
  name: string;
  role: string;
  quotas: Quotas;
  created: number;
  disabled: number | null;
}

export interface LiveModel {
  id: string;
  state: string;
  queued: number;
  running: number;
  streams: number;
  room: number;
  memory: number;
  host: Record<string, number>;
  waiting: Record<string, number>;
  working: Record<string, number>;
  counts: {
    loads: number;
    failed_loads: number;
    restarts: number;
    unloads: number;
    swaps: number;
    retries: number;
    outcomes: Record<string, number>;
    refused: Record<string, number>;
    tokens: Record<string, number>;
  };
}

export interface Live {
  time: number;
  began: number;
  draining: boolean;
  active: number;
  keyed: boolean;
  memory: number;
  memory_free: number;
  jobs: Record<string, number>;
  unready: string[];
  models: LiveModel[];
}

export interface Job {
  id: string;
  kind: string;
  owner: string;
  status: string;
  progress: number;
  model: string | null;
  error: { message: string } | null;
  created: number;
  started: number | null;
  ended: number | null;
}

export interface Used {
  day: string;
  requests: number;
  tokens: number;
  images: number;
  seconds: number;
}

export interface Summary {
  days: string[];
  owners: (Used & { owner: string })[];
  models: (Used & { model: string })[];
}

export interface Line {
  number: number;
  time: number;
  level: "info" | "warning" | "error";
  source: string;
  message: string;
  where: string[];
}

export const LOCAL = "local";

/** The name of an account: of a key, of a user, or of everybody where no key was made. */
export function useNames(): (owner: string) => string {
  const keys = useAsked<{ data: Key[] }>("/v1/admin/keys");
  const users = useAsked<{ data: User[] }>("/v1/admin/users");
  return useMemo(() => {
    const all = [...(keys.data?.data ?? []), ...(users.data?.data ?? [])];
    const names = new Map(all.map((one) => [one.id, one.name]));
    return (owner: string) => (owner === LOCAL ? "everybody (no key)" : (names.get(owner) ?? owner));
  }, [keys.data, users.data]);
}
