// A model comes in: a file from here, a path on the server's machine, or a name on a hub; then how
// far it is, and where it stands at the end.
import { useRef, useState } from "preact/hooks";
import { post } from "../api/client";
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { Field } from "../look/Field";
import { bytes } from "../look/numbers";
import { Cloth } from "../look/Weave";
import { said } from "../shell/notices";
import { go } from "../shell/router";
import { Moving } from "./Moving";
import { sent } from "./sending";
import type { Transfer } from "./told";

type From = "file" | "path" | "hub";
const FROM: Record<From, { name: string; about: string; example: string }> = {
  file: { name: "A file from this computer", about: "One GGUF file, or a zip of a folder with config.json and safetensors. Pickles are never read.", example: "" },
  path: { name: "A place on the server's machine", about: "A folder or a GGUF file below your home folder, or below those of genloom serve --allow-data.", example: "/srv/models/qwen3-0.6b" },
  hub: { name: "A name on Hugging Face", about: "It is fetched by the server: the one thing here that leaves this machine. name/of:file.gguf takes one file.", example: "HuggingFaceTB/SmolLM2-135M" },
};

export function ImportDialog({ close }: { close: () => void }) {
  const [from, setFrom] = useState<From>("file");
  const [source, setSource] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState("");
  const [came, setCame] = useState<number | null>(null);
  const [job, setJob] = useState<Transfer | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const leave = useRef<AbortController | null>(null);
  const ready = from === "file" ? file !== null : source.trim() !== "";
  async function begin() {
    setWrong(null);
    leave.current = new AbortController();
    try {
      const asked = from === "file" ? await sent(file!, setCame, leave.current.signal) : source.trim();
      setJob(await post<Transfer>("/v1/admin/imports", { source: asked, ...(name.trim() ? { name: name.trim() } : {}) }));
    } catch (error) {
      if ((error as Error).name !== "AbortError") setWrong(said(error as Error));
    } finally {
      setCame(null);
    }
  }
  function again() {
    setJob(null);
    setWrong(null);
  }
  const path = job && `/v1/admin/imports/${job.id}`;
  return (
    <Dialog title="Import a model" close={() => { leave.current?.abort(); close(); }}>
      {!job && came === null && (
        <form class="stack" onSubmit={(e) => { e.preventDefault(); if (ready) void begin(); }}>
          <fieldset class="models-from">
            <legend class="small">From</legend>
            {(Object.keys(FROM) as From[]).map((id) => (
              <label key={id} class="row"><input type="radio" name="from" checked={from === id} onChange={() => { setFrom(id); setWrong(null); }} /><span>{FROM[id].name}</span></label>
            ))}
          </fieldset>
          <Field name={from === "file" ? "File" : from === "path" ? "Path" : "Name on the hub"} help={FROM[from].about} wrong={wrong}>
            {(tied) => from === "file"
              ? <input key="file" {...tied} class="input" type="file" accept=".gguf,.zip" onChange={(e) => setFile(e.currentTarget.files?.[0] ?? null)} />
              : <input key={from} {...tied} class="input" autocomplete="off" spellcheck={false} placeholder={FROM[from].example} value={source} onInput={(e) => setSource(e.currentTarget.value)} />}
          </Field>
          <Field name="Called here" help="Left empty, it keeps its own name.">
            {(tied) => <input {...tied} class="input" autocomplete="off" spellcheck={false} pattern="[A-Za-z0-9][A-Za-z0-9._-]*" value={name} onInput={(e) => setName(e.currentTarget.value)} />}
          </Field>
          <div><Button kind="first" type="submit" disabled={!ready}>Import</Button></div>
        </form>
      )}
      {came !== null && file && (
        <div class="stack">
          <Cloth of={file.name} value={file.size ? came / file.size : null} label={`Sending ${file.name}`} />
          <div class="row between">
            <p><span role="status">Sending</span> <span class="number faint">{bytes(came)} of {bytes(file.size)}</span></p>
            <Button act={() => leave.current?.abort()}>Stop</Button>
          </div>
        </div>
      )}
      {path && (job.status === "queued" || job.status === "in_progress") && <Moving path={path} weave={job.model} ended={setJob} />}
      {job?.status === "completed" && (
        <div class="stack">
          <p class="notice good">{job.model} is here{job.licence ? `, under ${job.licence}` : ""}.</p>
          {job.notes?.map((note) => <p key={note} class="notice warn">{note}</p>)}
          {job.offered === false
            ? <p class="notice warn">This server offers the models that it was started with alone: start it again with this one's name.</p>
            : <div><Button kind="first" act={() => { close(); go("models", [job.model]); }}>Look at it</Button></div>}
        </div>
      )}
      {job?.status === "failed" && <p class="notice bad" role="alert">{job.error?.message}</p>}
      {job?.status === "cancelled" && <p class="notice">Stopped: nothing of it is left.</p>}
      {job && ["failed", "cancelled"].includes(job.status) && <div><Button act={again}>Try again</Button></div>}
    </Dialog>
  );
}
