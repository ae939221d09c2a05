// An asset in the address (#/generate?asset=ID): the model, prompt, seed and options with which it was
// made come into the form, with its number among those of that seed and its conditions; with vary=1
// another seed, with edit=1 it is the picture to begin from.
import { useEffect } from "preact/hooks";
import { get, part } from "../api/client";
import type { Model } from "../api/models";
import { tell } from "../shell/notices";
import { place } from "../shell/router";
import { assetBlob } from "../viewers/bytes";
import { change, draftOf, rolled } from "./drafts";
import { dataOf } from "./GivenField";
import { conditionsOf } from "./where";

interface Made {
  media: string;
  record?: { model?: string; weights?: string; prompt?: string | null; seed?: number; count?: number; where?: string | null; options?: Record<string, unknown>; asset?: { number?: number | null } };
}

/** Options of an engine that clients write in another way. */
const RENAMED: Record<string, string> = { negative: "negative_prompt", schema: "json_schema", suffix: "infill" };

export function useMadeBefore(models: Model[], choose: (id: string) => void): void {
  const asset = place.value.query.get("asset");
  const edits = place.value.query.get("edit") !== null;
  const varies = place.value.query.get("vary") !== null;
  useEffect(() => {
    if (!asset || !models.length) return;
    void fill(asset, { edits, varies }, models, choose).catch(tell);
  }, [asset, edits, varies, models.length > 0]);
}

async function fill(asset: string, { edits, varies }: { edits: boolean; varies: boolean }, models: Model[], choose: (id: string) => void): Promise<void> {
  const { record, media } = await get<Made>(`/v1/assets/${part(asset)}`);
  const model = models.find((one) => one.weights === record?.weights) ?? models.find((one) => one.id === record?.model);
  if (!model || !record) throw new Error("The model that made this is not here any more.");
  const values = Object.entries(record.options ?? {}).map(([name, value]) => [RENAMED[name] ?? name, written(name, value)]);
  const rows = typeof record.asset?.number !== "number" && record.count ? String(record.count) : "";
  change(model.id, {
    prompt: record.prompt ?? "", seed: varies ? rolled() : String(record.seed ?? draftOf(model.id).seed), locked: !varies, count: rows,
    first: varies ? 0 : (record.asset?.number ?? 0), where: record.where ? conditionsOf(record.where) : [], values: Object.fromEntries(values),
  });
  if (edits && media.startsWith("image/")) change(model.id, { given: { image: { name: asset, data: await dataOf(await assetBlob(asset)) } } });
  choose(model.id);
}

function written(name: string, value: unknown): string {
  if (!Array.isArray(value)) return typeof value === "object" && value ? JSON.stringify(value) : String(value);
  return name === "size" ? [...value].reverse().join("x") : name === "stop" ? value.join("\n") : value.join(" ");
}
