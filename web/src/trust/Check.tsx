// A file's record: dropped or chosen, sent to this server alone, and told plainly.
import { useCallback, useRef, useState } from "preact/hooks";
import { post } from "../api/client";
import { Button } from "../look/Button";
import { bytes } from "../look/numbers";
import { tell } from "../shell/notices";
import { Told } from "./Told";
import type { Verdict } from "./told";

const MOST = 50 << 20; // bytes that the server takes

interface Checked {
  name: string;
  size: number;
  verdict: Verdict;
}

export function Check() {
  const chooser = useRef<HTMLInputElement>(null);
  const [checked, setChecked] = useState<Checked | null>(null);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const check = useCallback(async (file: File | undefined) => {
    if (!file) return;
    if (file.size > MOST) return tell(new Error(`${file.name} has ${bytes(file.size)}: a check takes up to ${bytes(MOST)}`));
    const form = new FormData();
    form.append("file", file, file.name);
    setBusy(true);
    setChecked(null);
    try {
      const found = await post<{ results: Verdict[] }>("/v1/content_provenance_checks", form);
      setChecked({ name: file.name, size: file.size, verdict: found.results[0]! });
    } catch (error) {
      tell(error);
    } finally {
      setBusy(false);
    }
  }, []);
  return (
    <div class="stack">
      <div class={`trust-drop ${over ? "over" : ""}`}
        onDragOver={(e) => { e.preventDefault(); setOver(true); }}
        onDragLeave={() => setOver(false)}
        onDrop={(e) => { e.preventDefault(); setOver(false); void check(e.dataTransfer?.files[0]); }}>
        <h2>{over ? "Let go to check it" : "Drop a file here"}</h2>
        <p class="faint">
          Whatever Genloom makes carries a sealed record of its model, prompt, seed and options. The file goes to this
          server alone and is not kept.
        </p>
        <input ref={chooser} type="file" class="visually-hidden" tabIndex={-1} aria-label="A file to check"
          onChange={(e) => { void check(e.currentTarget.files?.[0]); e.currentTarget.value = ""; }} />
        <Button kind="first" disabled={busy} act={() => chooser.current?.click()}>{busy ? "Checking…" : "Choose a file"}</Button>
      </div>
      <div aria-live="polite">
        {checked && <Told name={checked.name} size={checked.size} verdict={checked.verdict} />}
      </div>
    </div>
  );
}
