// The one table of the studio's rooms: address, name, key, and what is loaded once one goes there.
import type { ComponentType } from "preact";

export interface Room {
  name: string;
  key: string; // after g
  mark: string; // a path in a 20 by 20 drawing
  load: () => Promise<{ default: ComponentType }>;
}

export const ROOMS: Record<string, Room> = {
  generate: { name: "Generate", key: "g", mark: "M4 3v14M8 3v14M12 3v14M16 3v14M2 7h16M2 13h16", load: () => import("../generate/Generate") },
  chat: { name: "Chat", key: "c", mark: "M3 4h14v9H9l-4 4v-4H3z", load: () => import("../chat/Chat") },
  gallery: { name: "Gallery", key: "a", mark: "M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z", load: () => import("../gallery/Gallery") },
  train: { name: "Train", key: "t", mark: "M3 16c3 0 3-12 7-12s2 8 7 8", load: () => import("../train/Train") },
  models: { name: "Models", key: "m", mark: "M3 6l7-3 7 3-7 3zM3 10l7 3 7-3M3 14l7 3 7-3", load: () => import("../models/Models") },
  trust: { name: "Trust", key: "r", mark: "M10 2l7 3v5c0 4-3 7-7 8-4-1-7-4-7-8V5zM7 10l2 2 4-4", load: () => import("../trust/Trust") },
  admin: { name: "Admin", key: "d", mark: "M3 6h14M3 14h14M7 4v4M13 12v4", load: () => import("../admin/Admin") },
};
export const FIRST = "generate";
