// A picture or a recording that is given along: chosen, dropped or pasted; and over a picture a mask,
// drawn with the pointer.
import { useEffect, useId, useState } from "preact/hooks";
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { tell } from "../shell/notices";
import type { Given } from "./drafts";
import { Mask } from "./Mask";

const MOST = 16 << 20; // bytes

export interface GivenFieldProps {
  name: string;
  media: string[];
  given: Given | undefined;
  /** The picture over which this one is drawn, where it is a mask. */
  over?: Given;
  wrong?: string | null;
  set: (given: Given | null) => void;
}

export function GivenField({ name, media, given, over, wrong, set }: GivenFieldProps) {
  const id = useId();
  const [drawing, setDrawing] = useState(false);
  const heard = media.every((one) => one.startsWith("audio/"));
  async function take(files: Iterable<File> | null | undefined) {
    const file = [...(files ?? [])].find((one) => media.includes(plain(one.type)));
    if (!file) return tell(new Error(`${name}: ${media.map((one) => one.split("/")[1]).join(", ")} are taken.`));
    if (file.size > MOST) return tell(new Error(`${name}: ${MOST >> 20} MiB at most.`));
    set({ name: file.name, data: await dataOf(file) });
  }
  return (
    <div class="field generate-given" onDragOver={(e) => e.preventDefault()}
      onDrop={(e) => { e.preventDefault(); void take(e.dataTransfer?.files); }}
      onPaste={(e) => { if (e.clipboardData?.files.length) void take(e.clipboardData.files); }}>
      <div class="name"><label for={id}>{name}</label></div>
      <div class="row">
        {given && (heard ? <Heard of={given} /> : <img src={given.data} alt={given.name} class="checkered" />)}
        <span class="fill small cut">{given ? given.name : <span class="faint">Drop a {heard ? "recording" : "picture"} here, or</span>}</span>
        {over && <Button act={() => setDrawing(true)}>{given ? "Draw on" : "Draw"}</Button>}
        <label class="button" for={id}>Choose</label>
        {given && <Button kind="quiet" square aria-label={`Take the ${name.toLowerCase()} away`} act={() => set(null)}>✕</Button>}
      </div>
      <input id={id} type="file" class="visually-hidden" accept={media.join(",")} onChange={(e) => { void take(e.currentTarget.files); e.currentTarget.value = ""; }} />
      {over && <div class="help">What is white in it is made anew.</div>}
      {wrong && <div class="wrong" role="alert">{wrong}</div>}
      {drawing && over && (
        <Dialog title="What is to be made anew" wide close={() => setDrawing(false)}>
          <Mask picture={over.data} before={given?.data ?? null} done={(data) => { set({ name: "drawn", data }); setDrawing(false); }} />
        </Dialog>
      )}
    </div>
  );
}

/** The page's policy lets sound come of blobs alone. */
function Heard({ of }: { of: Given }) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const bytes = Uint8Array.from(atob(of.data.slice(of.data.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
    const made = URL.createObjectURL(new Blob([bytes], { type: of.data.slice(5, of.data.indexOf(";")) }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [of.data]);
  return <audio src={address} controls aria-label={of.name} />;
}

/** Some browsers have names of their own for WAV. */
const plain = (type: string) => (/^audio\/(x-|vnd\.)?wave?$/.test(type) ? "audio/wav" : type);

export function dataOf(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}
