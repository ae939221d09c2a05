// Tables out of text, as RFC 4180 writes them; every cell stays the text that it was.

export interface Sheet {
  names: string[];
  rows: string[][];
}

/** Rows of unequal length are filled or cut to the header's. between: the sign between cells. */
export function sheetOf(text: string, between = ","): Sheet {
  const lines = cellsOf(text.replace(/^\uFEFF/, ""), between);
  const names = lines.shift() ?? [];
  for (const line of lines) {
    while (line.length < names.length) line.push("");
    line.length = names.length;
  }
  return { names, rows: lines };
}

function cellsOf(text: string, between: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell: string;
    [cell, at] = text[at] === '"' ? quoted(text, at + 1, between) : plain(text, at, between);
    line.push(cell);
    if (text[at] === between) {
      at++;
      if (at < text.length && text[at] !== "\n" && text[at] !== "\r") continue;
      line.push("");
    }
    if (text[at] === "\r") at++;
    if (text[at] === "\n") at++;
    if (line.length > 1 || line[0] !== "") lines.push(line);
    line = [];
  }
  return lines;
}

function plain(text: string, from: number, between: string): [string, number] {
  let at = from;
  while (at < text.length && text[at] !== between && text[at] !== "\n" && text[at] !== "\r") at++;
  return [text.slice(from, at), at];
}

/** What stands in quotes; whatever follows them up to the next cell belongs to it. */
function quoted(text: string, from: number, between: string): [string, number] {
  let cell = "";
  for (;;) {
    const end = text.indexOf('"', from);
    if (end < 0) return [cell + text.slice(from), text.length];
    cell += text.slice(from, end);
    if (text[end + 1] !== '"') {
      const [rest, at] = plain(text, end + 1, between);
      return [cell + rest, at];
    }
    cell += '"';
    from = end + 2;
  }
}
