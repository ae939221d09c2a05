// Where a training begins: files or a folder dropped on the page or chosen, or a folder of the
// server's machine named, where that is allowed.
import { useRef, useState } from "preact/hooks";
import { useAsked } from "../api/asked";
import { post } from "../api/client";
import { Button } from "../look/Button";
import { Field } from "../look/Field";
import { bytes, count } from "../look/numbers";
import { Cloth } from "../look/Weave";
import { tell } from "../shell/notices";
import { go, place, to } from "../shell/router";
import { chosen, dropped, type Given } from "./dropped";
import { sending, upload } from "./uploading";
import type { Dataset } from "./told";

export function Start() {
  const start = place.value.query.get("start");
  return (
    <section class="stack" aria-label="New training">
      {start && <p class="notice">The training goes on from <b>{start}</b>: give the data that it is to learn. <a href={to("train")}>From nothing instead</a></p>}
      {sending.value ? <Sending /> : <Drop start={start} />}
    </section>
  );
}

let leave: AbortController | null = null;

async function send(given: Given[], start: string | null): Promise<void> {
  if (!given.length) return tell(new Error("There is no file in it that could be learnt from."));
  leave = new AbortController();
  try {
    const made = await upload(given, leave.signal);
    go("train", ["data", made.id], start ? { start } : {});
  } catch (error) {
    if (leave.signal.aborted) tell("Cancelled; what had come was removed.");
    else tell(error);
  }
}

function Drop({ start }: { start: string | null }) {
  const [over, setOver] = useState(false);
  const [walking, setWalking] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  async function drop(event: DragEvent) {
    event.preventDefault();
    setOver(false);
    if (!event.dataTransfer) return;
    setWalking(true);
    try {
      await send(await dropped(event.dataTransfer), start);
    } finally {
      setWalking(false);
    }
  }
  const picked = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const given = input.files ? chosen(input.files) : [];
    input.value = "";
    void send(given, start);
  };
  return (
    <div class="train-begin">
      <div class={`train-drop ${over ? "over" : ""}`} onDragOver={(e) => { e.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
        <h2>{walking ? "Looking through the folder…" : "Drop files or a folder here"}</h2>
        <p class="faint">Texts, conversations, pictures, tables. They go to this server and nowhere else.</p>
        <div class="row">
          <Button kind="first" act={() => files.current?.click()}>Choose files</Button>
          <Button act={() => folder.current?.click()}>Choose a folder</Button>
        </div>
        <input ref={files} type="file" multiple hidden onChange={picked} aria-label="Files to learn from" />
        <input ref={folder} type="file" hidden onChange={picked} aria-label="A folder to learn from" {...{ webkitdirectory: true }} />
      </div>
      <Named start={start} />
    </div>
  );
}

/** A folder of the server's machine: for its own user, or an administrator. */
function Named({ start }: { start: string | null }) {
  const places = useAsked<{ data: string[] }>("/v1/places");
  const [path, setPath] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const first = places.data?.data[0];
  if (!first) return null;
  async function enter(event: Event) {
    event.preventDefault();
    setWrong(null);
    try {
      const made = await post<Dataset>("/v1/datasets", { path: path.trim() });
      go("train", ["data", made.id], start ? { start } : {});
    } catch (error) {
      setWrong((error as Error).message);
    }
  }
  return (
    <form class="stack train-named" onSubmit={enter}>
      <Field name="Or a file or folder of this machine" wrong={wrong} help={`It is read where it lies and not copied. Below ${places.data!.data.join(", ")}.`}>
        {(tied) => <input {...tied} class="input number" value={path} placeholder={`${first}/…`} spellcheck={false} onInput={(e) => setPath(e.currentTarget.value)} />}
      </Field>
      <Button type="submit" disabled={!path.trim()}>Look at it</Button>
    </form>
  );
}

function Sending() {
  const now = sending.value!;
  const share = now.bytes ? now.sent / now.bytes : 0;
  return (
    <div class="panel stack" role="status">
      <div class="row between">
        <h2>{now.what}</h2>
        <Button kind="danger" act={() => leave?.abort()}>Cancel</Button>
      </div>
      <Cloth of={`${now.files} ${now.bytes}`} value={share} label="Uploaded" />
      <p class="faint"><span class="number">{count(now.files)}</span> files, <span class="number">{bytes(now.sent)}</span> of <span class="number">{bytes(now.bytes)}</span>. Dropped again after a cut, they go on from here.</p>
    </div>
  );
}
