// What the server tells of a model's report, of a measurement, and of a file that was checked.
export interface Row {
  metric: string;
  name: string;
  value: number | null;
  floor: number | null;
  ceiling: number | null;
  better: "higher" | "lower" | null;
  note: string;
  place: number | null; // 0 at the floor, 1 at the ceiling
}

export interface Fact {
  name: string;
  value: string | number | boolean;
}

export interface Section {
  id: string;
  title: string;
  about: string;
  rows: Row[];
  facts: Fact[];
  missing: string[];
}

export interface Report {
  id: string;
  model: { name: string; medium: string; family: string; weights: string; bytes: number; created: string | null };
  created: string;
  measured: string | null;
  sections: Section[];
}

export interface Evaluation {
  id: string;
  model: string;
  status: "queued" | "in_progress" | "completed" | "failed" | "cancelled";
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  stages: string[];
  error: { message: string } | null;
}

export interface Verdict {
  outcome: string;
  validation_state: "valid" | "invalid" | "not_present";
  model: string | null;
  generated_at: string | null;
  intact: boolean;
  content: boolean;
  place: string | null;
  model_at_hand: boolean;
  licence: string | null;
  faults: string[];
  record: Record<string, unknown> | null;
}
