// Texts and code, as text and nothing else, whatever they say.
import { useState } from "preact/hooks";
import { bytes } from "../look/numbers";
import { useRead } from "./bytes";
import { Code } from "./Code";
import { type View, suffixIn } from "./kinds";
import { languageOf } from "./languages_of";

const MOST = 8 << 20; // bytes that are shown
const read = async (blob: Blob) => blob.slice(0, MOST).text();

export default function Text({ blob, media, name }: View) {
  const { data, error } = useRead(blob, read);
  const language = languageOf(suffixIn(name)) ?? languageOf(media);
  const [wrap, setWrap] = useState(language === null);
  if (error) return <p class="notice bad">The text cannot be read: {error.message}</p>;
  if (data === null) return null;
  return (
    <div class="viewer-text">
      {language && (
        <div class="viewer-bar">
          <span class="tag">{language}</span>
          <label class="row small"><input type="checkbox" checked={wrap} onChange={(e) => setWrap(e.currentTarget.checked)} /> Wrap lines</label>
        </div>
      )}
      <pre class={wrap ? "wrapped" : ""} tabIndex={0} role="region" aria-label={name}><Code code={data} language={language} /></pre>
      {blob.size > MOST && <p class="faint small">The first {bytes(MOST)} of {bytes(blob.size)}; save it to see all.</p>}
    </div>
  );
}
