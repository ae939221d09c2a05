// The Train room: data is dropped, understood and learnt from; every training is seen as it goes, be
// it begun here or on the command line.
import type { ComponentChildren } from "preact";
import { useCallback } from "preact/hooks";
import { useKey } from "../shell/keys";
import { go, place, to } from "../shell/router";
import { Before } from "./Before";
import { Prepare } from "./Prepare";
import { RunList } from "./RunList";
import { RunPage } from "./RunPage";
import { Start } from "./Start";
import "./train.css";

export default function Train() {
  const [what, id] = place.value.rest;
  useKey("n", "a new training", useCallback(() => go("train"), []));
  if (what === "data" && id) return <Inner><Prepare key={id} id={id} /></Inner>;
  if (what === "run" && id) return <Inner><RunPage key={id} name={id} /></Inner>;
  return (
    <div class="stack train">
      <h1>Train</h1>
      <Start />
      <Before />
      <RunList />
    </div>
  );
}

function Inner({ children }: { children: ComponentChildren }) {
  return (
    <div class="stack train">
      <a class="train-back" href={to("train")}>← All trainings</a>
      {children}
    </div>
  );
}
