// How a thing was made, as names and values to read; the same list is shown and compared.
import { type Asset, plain } from "./assets";

export type Setting = [name: string, value: string];

/** All that was asked for. Empty where no record says it. */
export function settingsOf(asset: Asset): Setting[] {
  const record = asset.record ?? {};
  const about = objectOf(record.asset);
  const told: [string, unknown][] = [
    ["Prompt", asset.prompt],
    ["Where", record.where],
    ["Seed", asset.seed],
    ["Item of that seed", typeof about.number === "number" ? about.number + 1 : undefined],
    ["Made at once", record.count],
    ...Object.entries(asset.options),
    ...Object.entries(objectOf(record.given)).map(([name, value]): [string, unknown] => [`Given: ${name}`, value]),
    ["Adapter", record.adapter],
    ["Bits", record.bits],
  ];
  return told.filter(([, value]) => value !== undefined && value !== null && value !== "").map(([name, value]) => [plain(name), plain(written(value))]);
}

/** Names of what differs among them. */
export function differing(all: Setting[][]): Set<string> {
  const names = new Set(all.flatMap((one) => one.map(([name]) => name)));
  return new Set([...names].filter((name) => new Set(all.map((one) => valueOf(one, name))).size > 1));
}

export const valueOf = (settings: Setting[], name: string) => settings.find(([other]) => other === name)?.[1];

function written(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : JSON.stringify(value);
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
