// Numbers, sizes and times as people read them. What is not there is a dash.
const NONE = "–";
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : Math.round(value).toLocaleString("en");
}

/** A measurement in four digits. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  if (Number.isInteger(value) || Math.abs(value) >= 1e5) return count(value);
  return String(Number(value.toPrecision(4)));
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  let unit = 0;
  let left = value;
  while (left >= 1024 && unit < UNITS.length - 1) {
    left /= 1024;
    unit++;
  }
  return `${unit === 0 ? left : left.toFixed(1)} ${UNITS[unit]}`;
}

/** 1:05 or 2:03:04. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A time of the server (seconds since 1970), or of a card (ISO), here and now. */
export function when(time: number | string | null | undefined): string {
  if (time === null || time === undefined || time === "") return NONE;
  const date = new Date(typeof time === "number" ? 1000 * time : time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}
