// A model's card and what else this room asks for, as the server tells it.
import type { Model } from "../api/models";

export interface Listed extends Model {
  bytes: number | null;
  family?: string;
}

export interface Figure {
  metric: string;
  value: number | null;
  floor: number | null;
  ceiling: number | null;
  better: "higher" | "lower";
  note: string;
}

export interface Measured {
  created: string;
  rows: Figure[];
  protocol: Record<string, unknown>;
}

export interface DataTold {
  name?: string;
  root: string | null;
  items?: number;
  files: number;
  bytes: number;
  licence?: string;
  credits?: string[];
  evidence?: string[];
  sha256?: string;
  manifest: { path: string; size: number; sha256: string }[];
}

export interface Node {
  id: string;
  here: boolean;
  medium: string | null;
  weights: string;
}

export interface Edge {
  parent: string;
  child: string;
  role: string;
}

export interface Preview {
  name: string;
  step: number | null;
  bytes: number;
  media: string | null;
}

export interface Card {
  id: string;
  weights: string;
  recipe_digest?: string;
  recipe: Record<string, unknown>;
  parameters: number | null;
  parts: { role: string; kind: string }[];
  size: { bytes: number; beside: number; files: { path: string; bytes: number }[] };
  created?: string;
  steps?: number;
  seconds?: number;
  ended?: string;
  metrics?: Record<string, number>;
  protocol?: Record<string, unknown>;
  software?: Record<string, string>;
  hardware?: Record<string, string | number>;
  notes?: string[];
  data: DataTold | null;
  validation: DataTold | null;
  source: Record<string, string> | null;
  quality: Measured[];
  lineage: { nodes: Node[]; edges: Edge[] };
  previews: Preview[];
  deletable: boolean;
}

export interface Transfer {
  id: string;
  model: string;
  status: string;
  progress: number;
  stage: string | null;
  done: number | null;
  of: number | null;
  error: { message: string } | null;
  notes?: string[];
  parameters?: number;
  licence?: string | null;
  offered?: boolean;
  filename?: string;
  bytes?: number;
}

/** What is in memory, in words. */
export const STATES: Record<string, [word: string, kind: string]> = {
  up: ["loaded", "good"],
  cold: ["not loaded", ""],
  loading: ["loading", "warn"],
  down: ["starting again", "warn"],
  failed: ["failed to load", "bad"],
};
