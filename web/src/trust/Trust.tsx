// Trust: what a file's record says and whether it holds; what is known of each model, and what is not.
import "./trust.css";
import { Tabs } from "../look/Tabs";
import { go, place } from "../shell/router";
import { Check } from "./Check";
import { ModelReport } from "./ModelReport";
import { Reports } from "./Reports";

const TABS = [["reports", "Models"], ["check", "Check a file"]] as const;

export default function Trust() {
  const [tab = "reports", model] = place.value.rest;
  return (
    <div class="stack">
      <h1>Trust</h1>
      <Tabs label="Trust" tabs={TABS} chosen={tab === "check" ? tab : "reports"} choose={(id) => go("trust", [id])}>
        {tab === "check" ? <Check /> : model ? <ModelReport key={model} model={model} /> : <Reports />}
      </Tabs>
    </div>
  );
}
