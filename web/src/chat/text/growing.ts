// A text that grows, as blocks of markdown: what cannot change any more is lexed once and kept; only
// its last block is lexed again. What is kept comes in groups, each of which is one object for good.
import type { Token, Tokens } from "marked";
import { lexed } from "./lexer";

const GROUP = 24; // blocks
const LONGEST = 8_000; // characters of a block that is still open; then it is cut at a line

export interface Group {
  id: number;
  tokens: Token[];
}

export class Growing {
  groups: Group[] = [];
  length = 0;
  private tail = "";

  /** links: addresses by their names, as far as they are known; those that are found are added. */
  constructor(readonly links: Record<string, unknown> = {}) {}

  /** The groups of what was kept, then what is still open. */
  get blocks(): Group[] {
    return this.tail ? [...this.groups, { id: -1, tokens: lexed(this.tail, { ...this.links }) }] : this.groups;
  }

  add(more: string): void {
    this.length += more.length;
    this.tail += more;
    const tokens = lexed(this.tail, this.links);
    let open = tokens.length - 1;
    while (open > 0 && tokens[open]?.type === "space") open--;
    this.keep(tokens.slice(0, Math.max(0, open)));
    this.tail = tokens.slice(Math.max(0, open)).map((one) => one.raw).join("");
    while (this.tail.length > LONGEST) this.cut();
  }

  /** Nothing more comes. A link whose address stood behind it is found by reading again with `links`. */
  end(): void {
    this.keep(lexed(this.tail, this.links));
    this.tail = "";
  }

  private cut(): void {
    const fence = /^ {0,3}(`{3,}|~{3,})[^\n]*\n/.exec(this.tail);
    const line = this.tail.lastIndexOf("\n", LONGEST);
    const at = line > (fence?.[0].length ?? 0) ? line + 1 : LONGEST;
    const head = this.tail.slice(0, at);
    if (fence) {
      const code: Tokens.Code = { type: "code", raw: head, text: head.slice(fence[0].length).replace(/\n$/, ""), lang: fence[0].replace(/[\s`~]+/g, " ").trim() };
      this.keep([code]);
      this.tail = fence[0] + this.tail.slice(at);
    } else {
      this.keep(lexed(head, this.links));
      this.tail = this.tail.slice(at);
    }
  }

  private keep(tokens: Token[]): void {
    for (const token of tokens) {
      if (token.type === "space") continue;
      const last = this.groups.at(-1);
      if (last && last.tokens.length < GROUP) this.groups = [...this.groups.slice(0, -1), { id: last.id, tokens: [...last.tokens, token] }];
      else this.groups = [...this.groups, { id: this.groups.length, tokens: [token] }];
    }
  }
}
