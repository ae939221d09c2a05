// What is known of the real data's columns, in the words of a model's form. Knows no drawing.

/** shares: of each bin between edges, or of each value; both add up to 1 at most. */
export interface Real {
  name: string;
  edges?: number[];
  values?: string[];
  shares?: number[];
}
