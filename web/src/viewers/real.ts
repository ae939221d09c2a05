// What is known of the real data's columns, in the words of a model's form. Knows no drawing.

/** shares: of each bin between edges, or of each value; both add up to 1 at most. */
export interface Real {
  name: string;
  edges?: number[];
  values?: string[];
  shares?: number[];
}

interface Told {
  name: string;
  edges?: number[];
  shares?: number[];
  choices?: unknown[];
}

/** Of the columns that a model's form tells of. */
export function realOf(columns: Told[] | undefined): Real[] {
  return (columns ?? []).filter((one) => one.shares).map(({ name, edges, shares, choices }) => ({ name, edges, shares, values: choices?.map(String) }));
}
