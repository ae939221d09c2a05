// Which addresses a text of a model may link to, and the signs it writes as entities. Knows no tokens.
const ALLOWED = new Set(["http:", "https:", "mailto:"]);
const NAMED: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", hellip: "…", mdash: "—", ndash: "–", times: "×" };

export interface Address {
  href: string;
  /** Whom it leads to, as it is shown beside the link. */
  host: string;
}

/** Null: it is shown as text. Only whole addresses count: a text knows no page of ours. */
export function address(written: string): Address | null {
  const text = written.trim();
  if (!/^(https?:\/\/|mailto:)/i.test(text)) return null;
  try {
    const url = new URL(text);
    if (!ALLOWED.has(url.protocol)) return null;
    return { href: url.href, host: url.protocol === "mailto:" ? url.pathname : url.host };
  } catch {
    return null;
  }
}

export function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
    if (name) return NAMED[name] ?? whole;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000) ? String.fromCodePoint(code) : whole;
  });
}
