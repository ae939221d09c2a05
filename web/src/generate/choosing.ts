// Which model is chosen: the one in the address, else the last one, else one that makes things (those
// that converse have a room of their own), is in memory, and is new. This browser remembers it.
import { post } from "../api/client";
import type { Model } from "../api/models";

const PLACE = "genloom-model";

export function bestOf(models: Model[], wanted: string | null): Model | null {
  const named = (id: string | null) => models.find((one) => one.id === id);
  const found = named(wanted) ?? named(localStorage.getItem(PLACE));
  return found ?? [...models].sort((a, b) => rank(a) - rank(b) || b.created - a.created)[0] ?? null;
}

const rank = (model: Model) => 2 * Number(model.chats ?? model.medium === "chat") + Number(model.state !== "up");

export const remember = (model: string) => localStorage.setItem(PLACE, model);

const warmed = new Set<string>();
let may = true;

/** Has a model brought into memory once somebody is about to ask it; who may not do so waits later. */
export function warm(model: Model): void {
  if (!may || model.state === "up" || warmed.has(model.id)) return;
  warmed.add(model.id);
  post("/v1/admin/models/load", { model: model.id }).catch(() => (may = false));
}
