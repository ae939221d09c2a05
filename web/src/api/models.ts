// Models as the server tells of them.
export interface Model {
  id: string;
  created: number;
  state: string;
  medium: string;
  weights: string;
  architecture: { input_modalities: string[]; output_modalities: string[] };
  media?: string;
  context?: number | null;
  vocab?: number;
  parameters?: number;
  texts?: boolean;
  chats?: boolean;
  embeds?: boolean;
}
