// highlight.js's core and a few languages: code in, spans with their classes out, no markup. Loaded once
// there is code to be coloured.
import core from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

const ALL = { bash, c, cpp, css, diff, go, java, javascript, json, markdown, python, rust, sql, typescript, xml, yaml };
for (const [name, language] of Object.entries(ALL)) core.registerLanguage(name, language);

export interface Span {
  scope?: string;
  children: (Span | string)[];
}

/** Null where the language is not known. */
export function coloured(text: string, language: string): Span | null {
  if (!core.getLanguage(language)) return null;
  const made = core.highlight(text, { language, ignoreIllegals: true });
  return (made._emitter as unknown as { root: Span }).root;
}
