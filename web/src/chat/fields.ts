// What a chat can be asked to be: the model's own form, of which those options are taken that a chat has,
// and what a chat has besides. Knows how values are written and read; draws nothing.
import { useAsked } from "../api/asked";
import { part } from "../api/client";
import type { Fields } from "./chats";

export interface Option {
  name: string;
  kind: string;
  low?: number;
  high?: number;
  likely?: [number, number];
  default?: unknown;
  choices?: (string | number)[];
  about: string;
}
export interface Form {
  prompt: { kind: string };
  options: Option[];
}

/** Options that chats are asked with under the same name. */
const SHARED = new Set("max_tokens temperature top_p top_k min_p repetition_penalty frequency_penalty presence_penalty min_tokens stop seed regex grammar".split(" "));

export function useForm(model: string | null) {
  const asked = useAsked<Form>(model ? `/v1/models/${part(model)}/form` : null);
  const options = (asked.data?.options ?? []).filter((one) => SHARED.has(one.name));
  return { ...asked, kind: asked.data?.prompt.kind ?? null, options };
}

export const EMPTY: Fields = { title: "", model: null, system: "", settings: {}, tools: [] };
export const MEASURED = { logprobs: true, top_logprobs: 5 };

export function written(value: unknown): string {
  return value === undefined || value === null ? "" : Array.isArray(value) ? value.join("\n") : String(value);
}

/** Undefined: as the model has it. Throws with what is expected. */
export function reading(option: Option, text: string): unknown {
  const bare = text.trim();
  if (!bare) return undefined;
  if (option.kind !== "number" && option.kind !== "integer") return option.name === "stop" ? text.split("\n").filter(Boolean) : text;
  const value = Number(bare);
  if (!Number.isFinite(value) || (option.kind === "integer" && !Number.isInteger(value))) throw new Error(`a ${option.kind === "integer" ? "whole " : ""}number is expected`);
  if (option.low !== undefined && value < option.low) throw new Error(`at least ${option.low}`);
  if (option.high !== undefined && value > option.high) throw new Error(`at most ${option.high}`);
  return value;
}

/** Tools as they are typed: a list of functions, or one. */
export function toolsIn(text: string): unknown[] {
  if (!text.trim()) return [];
  const value: unknown = JSON.parse(text);
  const list = Array.isArray(value) ? value : [value];
  return list.map((one: Record<string, unknown>) => {
    if (one && typeof one === "object" && "type" in one && "function" in one) return one;
    if (one && typeof one === "object" && typeof one.name === "string") return { type: "function", function: one };
    throw new Error("each tool needs a name, and parameters as a JSON schema");
  });
}
