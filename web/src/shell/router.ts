// Where one is, in the address's fragment: #/room/rest?query. Back and forward work by themselves.
import { signal } from "@preact/signals";

export interface Place {
  room: string;
  rest: string[];
  query: URLSearchParams;
}

function read(): Place {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [room = "", ...rest] = path.split("/").map(decodeURIComponent);
  return { room, rest, query: new URLSearchParams(query) };
}

export const place = signal(read());
addEventListener("hashchange", () => (place.value = read()));

/** An address in the studio; parts may hold any character. */
export function to(room: string, rest: string[] = [], query: Record<string, string> = {}): string {
  const path = [room, ...rest].map(encodeURIComponent).join("/");
  const asked = new URLSearchParams(query).toString();
  return `#/${path}${asked ? `?${asked}` : ""}`;
}

export function go(room: string, rest: string[] = [], query: Record<string, string> = {}): void {
  location.hash = to(room, rest, query);
}
