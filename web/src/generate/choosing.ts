// Which model is chosen: the one in the address, else the last one, else one that makes things (those
// that converse have a room of their own), is in memory, and is new. This browser remembers it.
import type { Model } from "../api/models";

const PLACE = "genloom-model";

export function bestOf(models: Model[], wanted: string | null): Model | null {
  const named = (id: string | null) => models.find((one) => one.id === id);
  const found = named(wanted) ?? named(localStorage.getItem(PLACE));
  return found ?? [...models].sort((a, b) => rank(a) - rank(b) || b.created - a.created)[0] ?? null;
}

const rank = (model: Model) => 2 * Number(model.chats ?? model.medium === "chat") + Number(model.state !== "up");

export const remember = (model: string) => localStorage.setItem(PLACE, model);
