// Two to six things side by side, with how each was made; what differs is marked.
import { useEffect, useState } from "preact/hooks";
import { get, part } from "../api/client";
import { Dialog } from "../look/Dialog";
import { Selvedge } from "../look/Selvedge";
import { Weave } from "../look/Weave";
import { tell } from "../shell/notices";
import { suffixOf } from "../viewers/bytes";
import { Viewer } from "../viewers/Viewer";
import { type Asset, plain, titleOf, weaveOf } from "./assets";
import { differing, type Setting, settingsOf, valueOf } from "./settings";

export function Compare({ assets, close }: { assets: Asset[]; close: () => void }) {
  const [whole, setWhole] = useState(assets);
  useEffect(() => {
    Promise.all(assets.map((one) => get<Asset>(`/v1/assets/${part(one.id)}`))).then(setWhole, tell);
  }, [assets]);
  const told = whole.map((one): Setting[] => [["Model", plain(one.model ?? "–")], ["Medium", one.media], ...settingsOf(one)]);
  const names = [...new Set(told.flatMap((one) => one.map(([name]) => name)))];
  const differ = differing(told);
  return (
    <Dialog title={`Compare ${whole.length}`} wide close={close}>
      <div class="scroll-x" tabIndex={0} role="region" aria-label="Side by side">
        <table class="gallery-compared rows" style={{ minWidth: `${12 * whole.length + 8}rem` }}>
          <thead>
            <tr>
              <td />
              {whole.map((one, n) => (
                <th key={one.id} scope="col">
                  <div class="row"><span class="number">{n + 1}</span><Weave of={weaveOf(one)} size={24} /><span class="fill cut">{titleOf(one)}</span></div>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">What was made</th>
              {whole.map((one) => (
                <td key={one.id}>
                  <div class="has-selvedge"><Selvedge of={weaveOf(one)} /><Viewer asset={one.id} media={one.media} name={`${one.id}${suffixOf(one.media)}`} /></div>
                </td>
              ))}
            </tr>
            {names.map((name) => (
              <tr key={name} class={differ.has(name) ? "differs" : ""}>
                <th scope="row">{name}{differ.has(name) && <span class="tag warn">differs</span>}</th>
                {told.map((one, n) => <td key={n} class={name === "Prompt" ? "gallery-said" : "number"}>{valueOf(one, name) ?? "–"}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {differ.size === 0 && <p class="faint">They were made in the same way.</p>}
    </Dialog>
  );
}
