// What in a text looks like a secret: keys of known forms, private keys, card numbers, words behind
// "password". A guess by form alone: it knows no secret, asks nobody, and misses what has no form.

export interface Secret {
  what: string;
  from: number;
  to: number;
}

const FORMS: [what: string, form: RegExp][] = [
  ["a private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g],
  ["a key of this server", /\bgl-[\w-]{16,}/g],
  ["a key of a service", /\b(?:sk-[\w-]{20,}|AIza[\w-]{35}|xox[abprs]-[\w-]{10,}|hf_\w{30,})/g],
  ["a key of AWS", /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g],
  ["a token of GitHub", /\b(?:gh[oprsu]_\w{36,}|github_pat_\w{30,})/g],
  ["a signed token", /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/g],
  ["a password", /(?<=\b(?:password|passwd|passphrase|secret|api[_ -]?key|token)["']?\s*(?:is|=|:)\s*["']?)[^\s"',;[]{6,}/gi],
  ["a card number", /\b(?:\d[ -]?){12,18}\d\b/g],
];
const MOST = 200_000; // letters that are looked through

/** In their order; what lies within another is left out. */
export function secretsIn(text: string): Secret[] {
  const found: Secret[] = [];
  for (const [what, form] of FORMS) {
    for (const one of text.slice(0, MOST).matchAll(form)) {
      const [from, to] = [one.index, one.index + one[0].length];
      if (what === "a card number" && !adds(one[0])) continue;
      if (!found.some((other) => from < other.to && to > other.from)) found.push({ what, from, to });
    }
  }
  return found.sort((a, b) => a.from - b.from);
}

export const without = (text: string, secrets: Secret[]) =>
  secrets.toReversed().reduce((left, { from, to }) => `${left.slice(0, from)}[taken out]${left.slice(to)}`, text);

/** Luhn's sum, by which card numbers end. */
function adds(text: string): boolean {
  const digits = [...text.replace(/\D/g, "")].reverse().map(Number);
  const sum = digits.reduce((all, digit, n) => all + (n % 2 ? (2 * digit > 9 ? 2 * digit - 9 : 2 * digit) : digit), 0);
  return sum % 10 === 0;
}
