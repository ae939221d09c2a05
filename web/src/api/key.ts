// The key of this tab: it comes in the address's fragment, which no server is sent, and goes out of
// sight at once. It lives as long as the tab.
const PLACE = "genloom-key";

export function takeKey(): void {
  const found = /[#&]key=([^&]+)/.exec(location.hash);
  if (!found?.[1]) return;
  setKey(decodeURIComponent(found[1]));
  const rest = location.hash.replace(found[0], "");
  history.replaceState(null, "", location.pathname + (rest === "#" ? "" : rest));
}

export function key(): string {
  return sessionStorage.getItem(PLACE) ?? "";
}

export function setKey(value: string): void {
  if (value) sessionStorage.setItem(PLACE, value);
  else sessionStorage.removeItem(PLACE);
}
