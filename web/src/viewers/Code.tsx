// Code, coloured by its language, every letter of it a text node; and long texts in blocks, of which
// the browser lays out only those that can be seen.
import { Fragment } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Piece } from "./languages";

const BLOCK = 200; // lines

export function Code({ code, language }: { code: string; language: string | null }) {
  const [found, setFound] = useState<{ code: string; pieces: Piece[] } | null>(null);
  useEffect(() => {
    if (!language) return;
    let here = true;
    import("./languages").then((all) => all.coloured(code, language)).then((pieces) => here && setFound({ code, pieces }), () => undefined);
    return () => void (here = false);
  }, [code, language]);
  const pieces = found?.code === code ? found.pieces : null;
  return pieces ? <code class="code">{pieces.map(shown)}</code> : <Blocks text={code} />;
}

function shown(piece: Piece, at: number) {
  if (typeof piece === "string") return <Fragment key={at}>{piece}</Fragment>;
  const children = piece.children.map(shown);
  if (!piece.scope || piece.scope.startsWith("language:")) return <Fragment key={at}>{children}</Fragment>;
  return <span key={at} class={`code-${piece.scope.split(".")[0]!}`}>{children}</span>;
}

export function Blocks({ text }: { text: string }) {
  const blocks = useMemo(() => split(text), [text]);
  if (blocks.length === 1) return <code class="code">{text}</code>;
  return <code class="code">{blocks.map((block, at) => <span key={at} class="text-block">{block}</span>)}</code>;
}

/** Blocks of some lines; lines without an end are cut, too. */
function split(text: string): string[] {
  if (text.length < 20_000) return [text];
  const lines = text.match(/[^\n]{0,4000}\n?/g) ?? [];
  const blocks: string[] = [];
  for (let at = 0; at < lines.length; at += BLOCK) blocks.push(lines.slice(at, at + BLOCK).join(""));
  return blocks.filter(Boolean);
}
