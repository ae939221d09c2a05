// Which language a text is in, by its name, its suffix or its media type. Knows no highlighter.
const KNOWN = new Set(
  "bash c cpp css go ini java javascript json python rust sql typescript xml yaml".split(" "),
);
const ALIASES: Record<string, string> = {
  py: "python", js: "javascript", mjs: "javascript", jsx: "javascript", ts: "typescript", tsx: "typescript", sh: "bash", shell: "bash", zsh: "bash",
  h: "c", cc: "cpp", hpp: "cpp", "c++": "cpp", rs: "rust", html: "xml", svg: "xml", yml: "yaml", toml: "ini", jsonl: "json",
};

/** The language of that name, alias, suffix or media type ("text/x-python"); null for plain texts. */
export function languageOf(name: string): string | null {
  const low = name.toLowerCase().replace(/^(text|application)\/(x-)?/, "");
  const found = ALIASES[low] ?? low;
  return KNOWN.has(found) ? found : null;
}
