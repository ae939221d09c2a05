// What is to be compared, in the order in which it was chosen.
import { signal } from "@preact/signals";
import type { Item, Run } from "./runs";

export interface Compared {
  run: Run;
  item: Item;
}

const MOST = 6;
export const compared = signal<Compared[]>([]);

export function toggle(run: Run, item: Item): void {
  const others = compared.value.filter((one) => one.item !== item);
  compared.value = others.length < compared.value.length ? others : [...others, { run, item }].slice(-MOST);
}
