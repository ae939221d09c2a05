// A control with its name, its help and what is wrong with it, tied together for screen readers.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface FieldProps {
  name: string;
  help?: ComponentChildren;
  wrong?: string | null;
  beside?: ComponentChildren;
  /** Is given what the control needs: its id and what describes it. */
  children: (tied: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => ComponentChildren;
}

export function Field({ name, help, wrong, beside, children }: FieldProps) {
  const id = useId();
  const about = [help ? `${id}-help` : "", wrong ? `${id}-wrong` : ""].filter(Boolean).join(" ");
  return (
    <div class="field">
      <div class="name">
        <label for={id}>{name}</label>
        {beside}
      </div>
      {children({ id, "aria-describedby": about || undefined, "aria-invalid": wrong ? true : undefined })}
      {help && <div class="help" id={`${id}-help`}>{help}</div>}
      {wrong && <div class="wrong" id={`${id}-wrong`} role="alert">{wrong}</div>}
    </div>
  );
}
