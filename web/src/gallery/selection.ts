// What is selected, by id, in the order in which it was chosen; also of pages that are not held any more.
import { signal } from "@preact/signals";
import type { Asset } from "./assets";

export const MOST = 1000; // that the server takes at once

export class Selection {
  readonly all = signal<ReadonlyMap<string, Asset>>(new Map());

  toggle(asset: Asset): void {
    const next = new Map(this.all.peek());
    if (!next.delete(asset.id)) next.set(asset.id, asset);
    if (next.size <= MOST) this.all.value = next;
  }

  add(assets: Asset[]): void {
    const next = new Map(this.all.peek());
    for (const asset of assets) if (next.size < MOST) next.set(asset.id, asset);
    this.all.value = next;
  }

  drop(ids: string[]): void {
    const next = new Map(this.all.peek());
    for (const id of ids) next.delete(id);
    this.all.value = next;
  }

  clear(): void {
    this.all.value = new Map();
  }
}
