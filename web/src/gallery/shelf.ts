// The list behind the grid: only pages near what is seen are asked for, and only some are held, however
// many things there are. What is newer than the first page is left out, so that numbers stay.
import { signal } from "@preact/signals";
import { Failed, get } from "../api/client";
import { type Asset, askedOf, type Filter, type Listed } from "./assets";

const SIZE = 100; // of a page
const MOST = 40; // pages that are held

export class Shelf {
  readonly total = signal<number | null>(null);
  readonly error = signal<Error | null>(null);
  /** Goes up whenever something came. */
  readonly turn = signal(0);
  newest: string | null = null;
  #pages = new Map<number, Asset[]>();
  #asked = new Map<number, AbortController>();

  constructor(readonly filter: Filter) {
    void this.#ask(0);
  }

  at(n: number): Asset | undefined {
    return this.#pages.get(Math.floor(n / SIZE))?.[n % SIZE];
  }

  /** Where an asset stands, if it is held. */
  find(id: string): number {
    for (const [page, assets] of this.#pages) {
      const at = assets.findIndex((one) => one.id === id);
      if (at >= 0) return page * SIZE + at;
    }
    return -1;
  }

  /** What is to be seen, from one number to another; other requests are given up. */
  want(first: number, last: number): void {
    if (!this.total.peek()) return;
    const pages = new Set<number>();
    for (let page = Math.floor(Math.max(0, first) / SIZE); page <= Math.floor(last / SIZE); page++) pages.add(page);
    for (const [page, leave] of this.#asked) if (!pages.has(page)) leave.abort();
    for (const page of pages) {
      const held = this.#pages.get(page);
      if (held) {
        this.#pages.delete(page); // the last one used goes last
        this.#pages.set(page, held);
      } else if (page * SIZE < (this.total.peek() ?? 0)) void this.#ask(page);
    }
  }

  /** What is noted of an asset, changed in place. */
  change(changed: Asset): void {
    for (const [page, assets] of this.#pages) {
      if (!assets.some((one) => one.id === changed.id)) continue;
      this.#pages.set(page, assets.map((one) => (one.id === changed.id ? { ...changed } : one)));
      this.turn.value++;
    }
  }

  close(): void {
    for (const leave of this.#asked.values()) leave.abort();
  }

  async #ask(page: number): Promise<void> {
    if (this.#asked.has(page)) return;
    const leave = new AbortController();
    this.#asked.set(page, leave);
    const asked = askedOf(this.filter);
    asked.set("limit", String(SIZE));
    if (page) asked.set("skip", String(page * SIZE));
    if (this.filter.old) asked.set("order", "asc");
    else if (this.newest) asked.set("upto", this.newest);
    try {
      const found = await get<Listed>(`/v1/assets?${asked}`, { signal: leave.signal });
      this.newest ??= found.first_id;
      this.#pages.set(page, found.data);
      for (const old of this.#pages.keys()) {
        if (this.#pages.size <= MOST) break;
        this.#pages.delete(old);
      }
      this.error.value = null;
      this.total.value = found.total;
      this.turn.value++;
    } catch (error) {
      if ((error as Error).name !== "AbortError") this.error.value = error as Error;
      if (error instanceof Failed && error.status === 404) this.newest = null; // it was deleted meanwhile
    } finally {
      this.#asked.delete(page);
    }
  }
}
