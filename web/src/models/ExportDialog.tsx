// Writing a model for other programs: which form, how far it is, and the file at the end.
import { useState } from "preact/hooks";
import { fetched, post } from "../api/client";
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { Field } from "../look/Field";
import { bytes } from "../look/numbers";
import { Moving } from "./Moving";
import { saved } from "./saving";
import type { Listed, Transfer } from "./told";

const FORMS: Record<string, { name: string; about: string; types: string[] }> = {
  gguf: { name: "GGUF", about: "One file for llama.cpp and what builds on it.", types: ["f16", "bf16", "q8_0"] },
  hf: { name: "Hugging Face", about: "A folder, in one archive, that transformers, vLLM and others read.", types: ["", "f16", "bf16", "f32"] },
  peft: { name: "Adapter alone", about: "What stands beside another model, as PEFT reads it. For models that are an adapter.", types: [""] },
};
const TYPES: Record<string, string> = { "": "as they are", f16: "16 bits (f16)", bf16: "16 bits (bf16)", f32: "32 bits (f32)", q8_0: "8 bits (q8_0)" };

export function ExportDialog({ model, close }: { model: Listed; close: () => void }) {
  const [to, setTo] = useState("gguf");
  const [type, setType] = useState("f16");
  const [job, setJob] = useState<Transfer | null>(null);
  const form = FORMS[to]!;
  const path = job && `/v1/admin/exports/${job.id}`;
  async function begin() {
    setJob(await post<Transfer>("/v1/admin/exports", { model: model.id, to, ...(type ? { type } : {}) }));
  }
  async function download() {
    saved(await (await fetched("GET", `${path}/content`)).blob(), job!.filename ?? model.id);
  }
  return (
    <Dialog title={`Export ${model.id}`} close={close}>
      {!job && (
        <>
          <Field name="Form" help={form.about}>
            {(tied) => (
              <select {...tied} class="input" value={to} onChange={(e) => { setTo(e.currentTarget.value); setType(FORMS[e.currentTarget.value]!.types[0]!); }}>
                {Object.entries(FORMS).map(([id, one]) => <option key={id} value={id}>{one.name}</option>)}
              </select>
            )}
          </Field>
          {form.types.length > 1 && (
            <Field name="Weights">
              {(tied) => (
                <select {...tied} class="input" value={type} onChange={(e) => setType(e.currentTarget.value)}>
                  {form.types.map((one) => <option key={one} value={one}>{TYPES[one]}</option>)}
                </select>
              )}
            </Field>
          )}
          <p class="faint small">Language models have such forms; others are told why not. It is written beside the server first, then it can be saved.</p>
          <div><Button kind="first" act={begin}>Export</Button></div>
        </>
      )}
      {path && job.status !== "completed" && <Moving path={path} weave={model.weights || model.id} ended={setJob} />}
      {job?.status === "completed" && (
        <div class="stack">
          <p>Written: {job.filename}, <span class="number">{bytes(job.bytes)}</span>. It stays for a week.</p>
          {job.notes?.map((note) => <p key={note} class="notice warn">{note}</p>)}
          <div><Button kind="first" act={download}>Save the file</Button></div>
        </div>
      )}
      {job?.status === "failed" && <p class="notice bad" role="alert">{job.error?.message}</p>}
      {job?.status === "cancelled" && <p class="notice">Stopped: nothing is left of it.</p>}
      {job && ["failed", "cancelled"].includes(job.status) && <div><Button act={() => setJob(null)}>Try again</Button></div>}
    </Dialog>
  );
}
