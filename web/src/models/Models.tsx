// The room of models: which one stands in the address decides whether it is the list, one model or
// several side by side.
import { place } from "../shell/router";
import { Compare } from "./Compare";
import { List } from "./List";
import { ModelPage } from "./ModelPage";
import "./models.css";

export default function Models() {
  const { rest, query } = place.value;
  const side = query.getAll("with");
  if (side.length) return <Compare models={side} />;
  const id = rest.join("/");
  return id ? <ModelPage key={id} id={id} /> : <List />;
}
