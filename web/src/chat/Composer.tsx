// Where one writes. What is not sent yet stays in this tab, through a reload, and goes nowhere else.
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../look/Button";
import { tell } from "../shell/notices";
import { Secrets } from "../shell/Secrets";

const place = (name: string) => `genloom-draft-${name}`;

export interface ComposerProps {
  /** Whose draft it is: a chat's id. */
  name: string;
  busy: boolean;
  disabled?: string | null;
  send: (text: string) => Promise<void>;
  stop: () => Promise<void>;
}

export function Composer({ name, busy, disabled, send, stop }: ComposerProps) {
  const [text, setText] = useState(() => sessionStorage.getItem(place(name)) ?? "");
  const [sending, setSending] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  function write(value: string) {
    setText(value);
    if (value) sessionStorage.setItem(place(name), value);
    else sessionStorage.removeItem(place(name));
  }
  useEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, innerHeight * 0.4)}px`;
  }, [text]);
  async function sent() {
    if (!text.trim() || busy || sending || disabled) return;
    setSending(true);
    try {
      await send(text);
      write("");
    } catch (error) {
      tell(error); // the text stays
    } finally {
      setSending(false);
      field.current?.focus();
    }
  }
  function pressed(event: KeyboardEvent) {
    const plain = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (!plain || (!event.ctrlKey && matchMedia("(pointer: coarse)").matches)) return;
    event.preventDefault();
    void sent();
  }
  return (
    <form class="chat-composer" onSubmit={(event) => { event.preventDefault(); void sent(); }}>
      <textarea ref={field} id="chat-say" class="input" rows={1} value={text} aria-label="Your message" placeholder={disabled ?? "Say something"}
        onInput={(event) => write(event.currentTarget.value)} onKeyDown={pressed} />
      <Secrets text={text} kept="It would be kept in this chat." set={write} />
      {busy
        ? <Button kind="danger" act={stop}>Stop <kbd>Esc</kbd></Button>
        : <Button kind="first" type="submit" disabled={!text.trim() || sending || !!disabled}>Send</Button>}
    </form>
  );
}
