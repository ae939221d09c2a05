// Sequences of letters: records of a FASTA file (or bare lines), which alphabet they are in, and of
// what kind each letter is.

export interface Sequenced {
  title: string;
  letters: string;
}

export function recordsOf(text: string, most: number): { records: Sequenced[]; cut: boolean } {
  const records: Sequenced[] = [];
  let room = most;
  for (const block of text.split(/^(?=>)/m)) {
    const titled = block.startsWith(">");
    const end = titled ? block.indexOf("\n") : -1;
    const title = titled ? block.slice(1, end < 0 ? undefined : end).trim() : "";
    const letters = (titled && end < 0 ? "" : block.slice(end + 1)).replace(/\s+/g, "");
    if (!letters && !title) continue;
    records.push({ title, letters: letters.slice(0, room) });
    room -= letters.length;
    if (room <= 0) return { records, cut: room < 0 };
  }
  return { records, cut: false };
}

export interface Alphabet {
  name: string;
  kinds: Record<string, string>;
}

const spelt = (kinds: Record<string, string>) => Object.fromEntries(Object.entries(kinds).flatMap(([kind, letters]) => [...letters].map((letter) => [letter, kind])));
// Bases each by itself; residues by what their side chains do in water.
const DNA: Alphabet = { name: "DNA", kinds: spelt({ a: "A", b: "C", c: "G", d: "T" }) };
const RNA: Alphabet = { name: "RNA", kinds: spelt({ a: "A", b: "C", c: "G", d: "U" }) };
const PROTEIN: Alphabet = { name: "protein", kinds: spelt({ a: "KRH", b: "DE", c: "STNQYCW", d: "AVLIMF", e: "GP" }) };

export function alphabetOf(letters: string): Alphabet {
  const some = letters.slice(0, 5000).toUpperCase();
  if (/^[ACGTN.*-]*$/.test(some)) return DNA;
  return /^[ACGUN.*-]*$/.test(some) ? RNA : PROTEIN;
}

/** Neighbours of one kind together. */
export function runsOf(letters: string, alphabet: Alphabet): [kind: string, run: string][] {
  const runs: [string, string][] = [];
  for (const letter of letters) {
    const kind = alphabet.kinds[letter.toUpperCase()] ?? "none";
    const last = runs.at(-1);
    if (last?.[0] === kind) last[1] += letter;
    else runs.push([kind, letter]);
  }
  return runs;
}
