// A video, by the browser's own player, which the keyboard works by itself.
import { useState } from "preact/hooks";
import { useAddress } from "./bytes";
import type { View } from "./kinds";
import Other from "./Other";

export default function Film(view: View) {
  const address = useAddress(view.blob, view.media);
  const [broken, setBroken] = useState(false);
  if (broken) return <Other {...view} />;
  if (!address) return null;
  return <video class="viewer-film" src={address} controls playsInline preload="metadata" aria-label={view.name} onError={() => setBroken(true)} />;
}
