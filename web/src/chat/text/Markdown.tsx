// What a model wrote, as elements made from tokens: markup in it is text, pictures are not fetched,
// links say where they lead. A long text comes a part a frame, so that the page goes on answering.
import type { Token, Tokens } from "marked";
import type { ComponentChildren } from "preact";
import { memo } from "preact/compat";
import { useEffect, useRef, useState } from "preact/hooks";
import { Code } from "./Code";
import { Growing, type Group } from "./growing";
import { address, unescaped } from "./links";
import { Maths } from "./Maths";

const SLICE = 5_000; // characters a frame
const DEEPEST = 24;

export function Markdown({ text, done }: { text: string; done: boolean }) {
  const held = useRef({ growing: new Growing(), text: "", ended: false, known: 0 });
  const [, turned] = useState(0);
  useEffect(() => {
    let frame = 0;
    function read() {
      const now = held.current;
      if (now.ended || !text.startsWith(now.text)) held.current = { growing: new Growing(), text: "", ended: false, known: 0 };
      const { growing } = held.current;
      const more = text.slice(growing.length, growing.length + SLICE);
      if (more) growing.add(more);
      held.current.text = text.slice(0, growing.length);
      if (growing.length < text.length) frame = requestAnimationFrame(read);
      else if (done) {
        growing.end();
        const named = Object.keys(growing.links).length;
        if (named > held.current.known) { // names that were not known when the text was read first
          held.current = { growing: new Growing(growing.links), text: "", ended: false, known: named };
          frame = requestAnimationFrame(read);
        } else held.current.ended = true;
      }
      turned((n) => n + 1);
    }
    if (held.current.text === text && held.current.ended === done) return;
    if (text.length - held.current.growing.length > SLICE) frame = requestAnimationFrame(read);
    else read();
    return () => cancelAnimationFrame(frame);
  }, [text, done]);
  return <div class="chat-text">{held.current.growing.blocks.map((group) => <Blocks key={group.id} group={group} />)}</div>;
}

const Blocks = memo(
  ({ group }: { group: Group }) => <div class="chat-blocks">{group.tokens.map((token, n) => <Block key={n} token={token} deep={0} />)}</div>,
  (was, now) => was.group.tokens === now.group.tokens || (was.group.id >= 0 && was.group.tokens.length === now.group.tokens.length && was.group.id === now.group.id && was.group.tokens.at(-1) === now.group.tokens.at(-1)),
);

function Block({ token, deep }: { token: Token; deep: number }): ComponentChildren {
  if (deep > DEEPEST) return <p>{token.raw}</p>;
  const one = token as Tokens.Generic;
  switch (token.type) {
    case "space": case "def": return null;
    // All of one level, below the turn's own: texts begin with any.
    case "heading": return <h3 class={`chat-h${one.depth}`}><Line tokens={one.tokens} deep={deep} /></h3>;
    case "paragraph": return <p><Line tokens={one.tokens} deep={deep} /></p>;
    case "text": return one.tokens ? <Line tokens={one.tokens} deep={deep} /> : unescaped(one.text);
    case "code": return <Code text={one.text} language={one.lang ?? ""} />;
    case "formula": return <Maths text={one.text} shown={one.shown} />;
    case "hr": return <hr />;
    case "blockquote": return <blockquote>{one.tokens?.map((inner, n) => <Block key={n} token={inner} deep={deep + 1} />)}</blockquote>;
    case "list": return <List list={token as Tokens.List} deep={deep} />;
    case "table": return <Table table={token as Tokens.Table} deep={deep} />;
    default: return <p class="chat-raw">{token.raw}</p>; // html, and what is not known
  }
}

function List({ list, deep }: { list: Tokens.List; deep: number }) {
  const items = list.items.map((item, n) => (
    <li key={n}>
      {item.task && <input type="checkbox" checked={item.checked} disabled aria-label={item.checked ? "done" : "to do"} />}
      {item.tokens.filter((inner) => inner.type !== "checkbox").map((inner, m) => <Block key={m} token={inner} deep={deep + 1} />)}
    </li>
  ));
  return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table, deep }: { table: Tokens.Table; deep: number }) {
  const cell = (one: Tokens.TableCell, n: number, Kind: "th" | "td") => (
    <Kind key={n} class={one.align ? `chat-${one.align}` : undefined}><Line tokens={one.tokens} deep={deep} /></Kind>
  );
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Table">
      <table class="chat-table">
        <thead><tr>{table.header.map((one, n) => cell(one, n, "th"))}</tr></thead>
        <tbody>{table.rows.map((row, m) => <tr key={m}>{row.map((one, n) => cell(one, n, "td"))}</tr>)}</tbody>
      </table>
    </div>
  );
}

function Line({ tokens, deep }: { tokens: Token[] | undefined; deep: number }): ComponentChildren {
  return tokens?.map((token, n) => <Inline key={n} token={token} deep={deep + 1} />);
}

function Inline({ token, deep }: { token: Token; deep: number }): ComponentChildren {
  if (deep > DEEPEST) return token.raw;
  const one = token as Tokens.Generic;
  const inner = () => <Line tokens={one.tokens} deep={deep} />;
  switch (token.type) {
    case "strong": return <strong>{inner()}</strong>;
    case "em": return <em>{inner()}</em>;
    case "del": return <del>{inner()}</del>;
    case "codespan": return <code>{one.text}</code>;
    case "br": return <br />;
    case "escape": return one.text;
    case "formula": return <Maths text={one.text} shown={one.shown} />;
    case "link": return <Link token={token as Tokens.Link} deep={deep} />;
    case "image": return <Picture token={token as Tokens.Image} />;
    case "text": return one.tokens ? inner() : unescaped(one.text);
    default: return <span class="chat-raw">{token.raw}</span>;
  }
}

function Link({ token, deep }: { token: Tokens.Link; deep: number }) {
  const found = address(unescaped(token.href));
  if (!found) return <span class="chat-raw">{token.raw}</span>;
  return (
    <a href={found.href} target="_blank" rel="noopener noreferrer nofollow">
      <Line tokens={token.tokens} deep={deep} />{!token.text.includes(found.host) && <span class="chat-host"> ({found.host})</span>}
    </a>
  );
}

/** Never fetched: an address alone can carry away what was said. */
function Picture({ token }: { token: Tokens.Image }) {
  return <span class="chat-picture"><b>Picture, not fetched</b> {unescaped(token.text)} <code>{token.href}</code></span>;
}
