// The form of a model, as the server tells it, and what a person writes into it: texts on their way to
// values, with what is wrong said before anything is asked.

export interface Option {
  name: string;
  kind: string;
  about: string;
  low?: number;
  high?: number;
  default?: unknown;
  choices?: string[];
  likely?: [number, number];
  needs?: string[];
  multiple?: number;
  count?: number;
}

export interface ColumnAbout {
  name: string;
  kind: string;
  missing?: boolean;
  choices?: (string | number | boolean)[];
  low?: number | string;
  high?: number | string;
  whole?: boolean;
  /** How often each choice, or each part between edges, is in the data. */
  shares?: number[];
  edges?: number[];
}

export interface Form {
  model: string;
  medium: string;
  media: string;
  suffix?: string;
  texts?: boolean;
  chats?: boolean;
  whole?: boolean;
  prompt: { kind: string; needed: boolean; choices?: string[]; words?: string[] };
  takes: Record<string, string[]>;
  needs?: string[][];
  options: Option[];
  columns?: ColumnAbout[];
  most: number;
}

/** Files as clients name them: what the engine calls an item is a picture here. */
export const FIELD_OF: Record<string, string> = { item: "image", mask: "mask", control: "control" };

export type Parsed = { value: unknown } | { wrong: string } | null;

/** What a text in an option's field stands for; null where nothing is written. */
export function parsed(option: Option, text: string): Parsed {
  if (!text.trim()) return null;
  return (KINDS[option.kind] ?? KINDS.text!)(text, option);
}

type Reader = (text: string, option: Option) => Parsed;

const number: Reader = (text, option) => {
  const value = Number(text.trim());
  if (!Number.isFinite(value)) return { wrong: "A number is expected." };
  return within(value, option) ?? { value };
};

const KINDS: Record<string, Reader> = {
  number,
  integer: (text, option) => (/^\s*[-+]?\d+\s*$/.test(text) ? number(text, option) : { wrong: "A whole number is expected." }),
  text: (text) => ({ value: text }),
  choice: (text, option) => (option.choices?.includes(text) === false ? { wrong: `One of ${option.choices.join(", ")} is expected.` } : { value: text }),
  flag: (text) => ({ value: text === "true" }),
  size: (text, option) => size(text, option),
  texts: (text) => ({ value: text.split("\n").filter(Boolean) }),
  margins: (text, option) => numbers(text, 4, "Four whole numbers are expected: top, right, bottom, left.", option, true),
  interval: (text, option) => numbers(text, 2, "Two numbers are expected, such as 0.2 0.8.", option, false),
  directions: (text, option) => directions(text, option),
  object: (text) => object(text),
};

function within(value: number, { low, high }: Option): Parsed {
  if (low !== undefined && high !== undefined && (value < low || value > high)) return { wrong: `${low} to ${high} is expected.` };
  return null;
}

function size(text: string, option: Option): Parsed {
  const found = /^\s*(\d{1,5})\s*[x×]\s*(\d{1,5})\s*$/i.exec(text);
  if (!found) return { wrong: "Width x height is expected, such as 64x64." };
  const many = option.multiple ?? 1;
  if (Number(found[1]) % many || Number(found[2]) % many) return { wrong: `Sides that are ${many} pixels times a whole number are expected.` };
  return { value: `${found[1]}x${found[2]}` };
}

function numbers(text: string, count: number, wrong: string, option: Option, whole: boolean): Parsed {
  const found = text.trim().split(/[\s,;]+/).map(Number);
  if (found.length !== count || !found.every(whole ? Number.isInteger : Number.isFinite)) return { wrong };
  for (const one of found) {
    const bad = within(one, option);
    if (bad) return bad;
  }
  return { value: found };
}

function directions(text: string, option: Option): Parsed {
  const made: Record<string, number> = {};
  for (const part of text.split(",")) {
    const [name = "", far = ""] = part.split(":").map((one) => one.trim());
    if (!/^\d+$/.test(name) || !far || !Number.isFinite(Number(far))) return { wrong: "Number and distance are expected, such as 0: 2.5, 3: -1." };
    if (option.count !== undefined && Number(name) >= option.count) return { wrong: `The directions are 0 to ${option.count - 1}.` };
    const bad = within(Number(far), option);
    if (bad) return bad;
    made[name] = Number(far);
  }
  return { value: made };
}

function object(text: string): Parsed {
  try {
    const value = JSON.parse(text) as unknown;
    return value && typeof value === "object" && !Array.isArray(value) ? { value } : { wrong: "A JSON object is expected." };
  } catch {
    return { wrong: "This is no JSON." };
  }
}

/** A default as one would write it. */
export function usual({ default: value }: Option): string {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.join(" ") : typeof value === "object" ? JSON.stringify(value) : String(value);
}
