// One model's report: its sections as the server tells them, measuring anew, and the page to keep.
import { fetched, part } from "../api/client";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { bytes, when } from "../look/numbers";
import { Weave } from "../look/Weave";
import { said } from "../shell/notices";
import { to } from "../shell/router";
import { Measure } from "./Measure";
import { ReportSection } from "./ReportSection";
import type { Report } from "./told";

export function ModelReport({ model }: { model: string }) {
  const path = `/v1/reports/${part(model)}`;
  const report = useAsked<Report>(path);
  if (report.error) return <p class="notice bad">{said(report.error)}</p>;
  if (!report.data) return <p class="faint" aria-busy="true">Reading the report…</p>;
  const { model: about, sections } = report.data;
  return (
    <article class="stack trust-report" aria-label={`Report of ${model}`}>
      <header class="row">
        <Weave of={about.weights || model} size={64} />
        <div class="fill">
          <h2>{model}</h2>
          <p class="faint small">
            {about.medium} by {about.family}, {bytes(about.bytes)}, trained {when(about.created)}. {report.data.measured ? `Measured ${when(report.data.measured)}.` : "Not measured yet."}
          </p>
        </div>
        <a class="button" href={to("gallery", [], { model })}>What it made</a>
        <Button act={() => save(`${path}?format=html`, `${about.name}-report.html`)}>Save the page</Button>
        <Button act={() => save(path, `${about.name}-report.json`)}>Save the JSON</Button>
      </header>
      <Measure model={model} weave={about.weights || model} done={report.again} />
      {sections.map((one) => <ReportSection key={one.id} section={one} />)}
    </article>
  );
}

async function save(path: string, name: string) {
  const answer = await fetched("GET", path);
  const url = URL.createObjectURL(await answer.blob());
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
