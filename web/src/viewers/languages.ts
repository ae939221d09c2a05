// Code as coloured pieces: a tree of scopes, never HTML. A language is loaded once there is something
// in it.
import highlighter from "highlight.js/lib/core";
import type { LanguageFn } from "highlight.js";

type Loading = () => Promise<{ default: LanguageFn }>;
const LANGUAGES: Record<string, Loading> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  css: () => import("highlight.js/lib/languages/css"),
  go: () => import("highlight.js/lib/languages/go"),
  ini: () => import("highlight.js/lib/languages/ini"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  python: () => import("highlight.js/lib/languages/python"),
  rust: () => import("highlight.js/lib/languages/rust"),
  sql: () => import("highlight.js/lib/languages/sql"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};
const MOST = 200_000; // characters that are coloured

/** A text, or pieces of one scope ("keyword", "string" ...). */
export type Piece = string | { scope: string; children: Piece[] };

/** The code in pieces; as it is where it is too long, or its language is not known. */
export async function coloured(code: string, language: string): Promise<Piece[]> {
  const load = LANGUAGES[language];
  if (!load || code.length > MOST) return [code];
  if (!highlighter.getLanguage(language)) highlighter.registerLanguage(language, (await load()).default);
  const result = highlighter.highlight(code, { language, ignoreIllegals: true });
  const { root } = result._emitter as unknown as { root: { children: Piece[] } };
  return root.children;
}
