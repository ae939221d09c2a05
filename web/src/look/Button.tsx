// A button that can be busy: while what it began goes on it cannot be pressed again.
import type { ButtonHTMLAttributes, ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { tell } from "../shell/notices";

type Kind = "first" | "danger" | "quiet" | "plain";

export interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "onClick" | "type" | "disabled"> {
  kind?: Kind;
  disabled?: boolean;
  square?: boolean;
  type?: "button" | "submit";
  /** What is done; an error of it is told in a notice. */
  act?: (event: MouseEvent) => unknown;
  children: ComponentChildren;
}

export function Button({ kind = "plain", square, act, disabled, type = "button", children, ...rest }: ButtonProps) {
  const [busy, setBusy] = useState(false);
  async function pressed(event: MouseEvent) {
    if (!act) return;
    const done = act(event);
    if (!(done instanceof Promise)) return;
    setBusy(true);
    try {
      await done;
    } catch (error) {
      tell(error);
    } finally {
      setBusy(false);
    }
  }
  const shape = `button ${kind}${square ? " square" : ""}`;
  return (
    <button {...rest} type={type} class={shape} disabled={disabled || busy} aria-busy={busy} onClick={pressed}>
      {children}
    </button>
  );
}
