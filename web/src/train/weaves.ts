// The cloth of a training: its model's, once there is one, else its name's.
import { useAsked } from "../api/asked";
import type { Model } from "../api/models";

/** models: how many there are; asked for again when there are more. */
export function useWeaves(models: number): (name: string) => string {
  const all = useAsked<{ data: Model[] }>(models ? `/v1/models?of=${models}` : null);
  return (name) => all.data?.data.find((one) => one.id === name)?.weights || name;
}
