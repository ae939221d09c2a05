// Which model is chosen: the one in the address, else the last one, else one that is in memory, else
// the newest. It is remembered by this browser.
import type { Model } from "../api/models";

const PLACE = "genloom-model";

export function bestOf(models: Model[], wanted: string | null): Model | null {
  const named = (id: string | null) => models.find((one) => one.id === id);
  const found = named(wanted) ?? named(localStorage.getItem(PLACE)) ?? models.find((one) => one.state === "up");
  return found ?? [...models].sort((a, b) => b.created - a.created)[0] ?? null;
}

export const remember = (model: string) => localStorage.setItem(PLACE, model);
