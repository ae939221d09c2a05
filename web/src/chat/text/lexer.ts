// marked's lexer with maths in it: \(..\) within lines, \[..\] and $$..$$ on their own. Tokens only: nothing
// here makes markup. A text that would take the lexer too deep is one token of text.
import { Lexer, Marked, type Token, type TokenizerAndRendererExtension } from "marked";

const DEEPEST = 40; // quotes and lists in each other

const inline: TokenizerAndRendererExtension = {
  name: "formula",
  level: "inline",
  start: (text) => text.search(/\\\(|\\\[|\$\$/),
  tokenizer(text) {
    const found = /^(?:\\\(([\s\S]{1,4000}?)\\\)|\\\[([\s\S]{1,4000}?)\\\]|\$\$([\s\S]{1,4000}?)\$\$)/.exec(text);
    if (!found) return undefined;
    return { type: "formula", raw: found[0], text: (found[1] ?? found[2] ?? found[3] ?? "").trim(), shown: found[1] === undefined };
  },
};
const block: TokenizerAndRendererExtension = {
  name: "formulas",
  level: "block",
  start: (text) => text.search(/(?:^|\n) {0,3}(?:\\\[|\$\$)/),
  tokenizer(text) {
    const found = /^ {0,3}(?:\\\[([\s\S]{1,4000}?)\\\]|\$\$([\s\S]{1,4000}?)\$\$)[ \t]*(?:\n+|$)/.exec(text);
    if (!found) return undefined;
    return { type: "formula", raw: found[0], text: (found[1] ?? found[2] ?? "").trim(), shown: true };
  },
};
const options = new Marked({ gfm: true, extensions: [inline, block] }).defaults;

/** The blocks of a text; their raws, joined, are the text. links: addresses by their names. */
export function lexed(text: string, links: Record<string, unknown> = {}): Token[] {
  if (tooDeep(text)) return [plain(text)];
  try {
    const lexer = new Lexer({ ...options });
    Object.assign(lexer.tokens.links, links);
    const tokens = [...lexer.lex(text)];
    Object.assign(links, lexer.tokens.links);
    return tokens;
  } catch {
    return [plain(text)];
  }
}

function plain(text: string): Token {
  return { type: "plain", raw: text, text } as Token;
}

function tooDeep(text: string): boolean {
  return /^[ \t]*(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]*){40}/m.test(text) || new RegExp(`[\\[*_~]{${4 * DEEPEST}}`).test(text);
}
