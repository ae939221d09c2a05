// Dark or light: as the system has it, until somebody chooses.
import { computed, effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const PLACE = "genloom-theme";
const wanted = matchMedia("(prefers-color-scheme: dark)");
const system = signal(wanted.matches);

export const theme = signal<Theme>((localStorage.getItem(PLACE) as Theme | null) ?? "system");
export const dark = computed(() => (theme.value === "system" ? system.value : theme.value === "dark"));

export function startTheme(): void {
  wanted.addEventListener("change", () => (system.value = wanted.matches));
  effect(() => {
    document.documentElement.dataset.theme = dark.value ? "dark" : "light";
    if (theme.value === "system") localStorage.removeItem(PLACE);
    else localStorage.setItem(PLACE, theme.value);
  });
}
