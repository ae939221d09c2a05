// What a model's form tells of the real data's columns, for drawings beside those of what was made.
import type { Real } from "../viewers/real";
import type { Form } from "./form";

export function realOf(form: Form): Real[] {
  return (form.columns ?? []).filter((one) => one.shares).map(({ name, edges, shares, choices }) => ({ name, edges, shares, values: choices?.map(String) }));
}
