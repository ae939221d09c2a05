// A modal on the browser's own <dialog>: focus is held inside, Escape closes.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Button } from "./Button";

export interface DialogProps {
  title: string;
  wide?: boolean;
  close: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, wide, close, children }: DialogProps) {
  const place = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => { // at once: what is typed next is meant for it
    place.current?.showModal();
  }, []);
  return (
    <dialog ref={place} class={wide ? "wide" : ""} aria-label={title} onClose={close}>
      <div class="stack">
        <div class="row between">
          <h2>{title}</h2>
          <Button kind="quiet" square aria-label="Close" act={() => place.current?.close()}>✕</Button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
