// The room: the chats on one side, the one that is open, and how it is asked. A new chat is made with its
// first question; until then its setup lies in this tab.
import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { Failed } from "../api/client";
import { Button } from "../look/Button";
import { useKey } from "../shell/keys";
import { tell } from "../shell/notices";
import { go, place } from "../shell/router";
import "./chat.css";
import { ChatList, exported } from "./ChatList";
import { type Differing, type Fields, made, removed } from "./chats";
import { Composer } from "./Composer";
import { Conflict } from "./Conflict";
import { EMPTY } from "./fields";
import { ModelChoice } from "./ModelChoice";
import { Setup } from "./Setup";
import { Talk } from "./talk";
import { Thread } from "./Thread";

const NEW = "genloom-new-chat";
const LOOK = 15_000; // milliseconds after which another tab's turns are looked for

export default function Chat() {
  const id = place.value.rest[0] ?? null;
  const talk = useMemo(() => (id ? new Talk(id) : null), [id]);
  const [listed, setListed] = useState(true);
  const [setup, setSetup] = useState(false);
  useEffect(() => {
    if (!talk) return;
    talk.load(true).catch(tell);
    const look = () => document.hidden || void talk.load();
    const timer = setInterval(look, LOOK);
    addEventListener("visibilitychange", look);
    addEventListener("online", look);
    return () => { clearInterval(timer); removeEventListener("visibilitychange", look); removeEventListener("online", look); talk.close(); };
  }, [talk]);
  useEffect(() => setListed(!id || innerWidth > 736), [id]);
  const changed = talk?.chat.value?.version;
  return (
    <div class={`chat-room${listed ? " chat-listed" : ""}`}>
      {listed && <ChatList current={id} turn={`${id} ${changed} ${talk?.order.value.length}`} />}
      {talk ? <Open key={talk.id} talk={talk} setup={setup} setSetup={setSetup} list={() => setListed(!listed)} /> : <New setup={setup} setSetup={setSetup} list={() => setListed(!listed)} />}
    </div>
  );
}

interface Around {
  setup: boolean;
  setSetup: (open: boolean) => void;
  list: () => void;
}

function New({ setup, setSetup, list }: Around) {
  const fields = useSignal<Fields>({ ...EMPTY, ...(JSON.parse(sessionStorage.getItem(NEW) ?? "{}") as Partial<Fields>) });
  const save = async (more: Partial<Fields>) => {
    fields.value = { ...fields.value, ...more };
    sessionStorage.setItem(NEW, JSON.stringify(fields.value));
  };
  async function begin(text: string) {
    const { model, system, settings, tools } = fields.value;
    const chat = await made({ model, system, settings, tools });
    const talk = new Talk(chat.id);
    try {
      await talk.say(null, [{ role: "user", text }]);
    } catch (error) {
      await removed(chat.id);
      throw error;
    } finally {
      talk.close();
    }
    go("chat", [chat.id]);
  }
  return (
    <section class="chat-open">
      <header class="chat-head row">
        <h1>New chat</h1>
        <span class="fill" />
        <Button kind="quiet" act={list}>Chats</Button>
        <Button kind="quiet" aria-pressed={setup} act={() => setSetup(!setup)}>Setup</Button>
        <ModelChoice model={fields.value.model} choose={(model) => save({ model })} />
      </header>
      {setup && <Setup fields={fields.value} save={async (more) => { await save(more); setSetup(false); }} />}
      <p class="chat-empty faint">Ask something. The chat is kept on this server, where only you can open it; what a model writes is never run and never fetches anything.</p>
      <Composer name="new" busy={false} disabled={fields.value.model ? null : "Choose a model first"} send={begin} stop={async () => undefined} />
    </section>
  );
}

function Open({ talk, setup, setSetup, list }: Around & { talk: Talk }) {
  const [late, setLate] = useState<{ found: Differing; fields: Partial<Fields> } | null>(null);
  const chat = talk.chat.value;
  const last = talk.last.value;
  const live = last?.status === "in_progress" ? last.id : null;
  const stop = useCallback(async () => { if (live) await talk.stop(live); }, [live]);
  useKey("Escape", "stop the answer", useCallback(() => void stop().catch(tell), [stop]), true);
  useKey("n", "a new chat", useCallback(() => go("chat"), []));
  useKey("/", "write", useCallback(() => document.getElementById("chat-say")?.focus(), []));
  if (talk.missing.value) return <section class="chat-open"><h1>Chat</h1><p class="notice bad">There is no such chat of yours: it was deleted, or it is another's.</p></section>;
  if (!chat) return <section class="chat-open"><h1>Chat</h1><p class="faint" aria-busy="true">Loading…</p></section>;
  /** False where it waits for a choice between two edits. */
  async function save(fields: Partial<Fields>, version?: number): Promise<boolean> {
    try {
      await talk.change(fields, version);
      setLate(null);
      return true;
    } catch (error) {
      if (!(error instanceof Failed) || error.status !== 409) throw error;
      setLate({ found: error.body as Differing, fields });
      return false;
    }
  }
  const waits = last?.role === "assistant" && last.calls?.length && !live;
  return (
    <section class="chat-open">
      <header class="chat-head row">
        <Title key={chat.title} title={chat.title} save={(title) => save({ title })} />
        <span class="fill" />
        <Button kind="quiet" act={list}>Chats</Button>
        <Button kind="quiet" aria-pressed={setup} act={() => setSetup(!setup)}>Setup</Button>
        <Button kind="quiet" act={() => exported(talk.id)}>Export</Button>
        <Remove remove={async () => { await removed(talk.id); go("chat"); }} />
        <ModelChoice model={chat.model} choose={(model) => save({ model }).catch(tell)} />
      </header>
      {setup && <Setup fields={chat} save={async (more) => { if (await save(more)) setSetup(false); }} />}
      {talk.away.value && <p class="notice warn" role="status">The server cannot be heard. What it is writing goes on there, and comes here once it can be heard again.</p>}
      <Thread talk={talk} />
      {talk.further.value && <p class="notice row" role="status"><span class="fill">This chat went on in another tab.</span><Button act={() => talk.show(talk.head.value!)}>Go there</Button></p>}
      <p class="visually-hidden" role="status">{live ? "The model is writing." : last?.role === "assistant" ? "The answer is there." : ""}</p>
      <Composer name={talk.id} busy={live !== null} disabled={waits ? "Answer the calls first, above" : null} stop={stop}
        send={(text) => talk.say(talk.head.value, [{ role: "user", text }])} />
      {late && <Conflict found={late.found} close={() => setLate(null)} keep={async () => { if (await save(late.fields, late.found.version)) setSetup(false); }}
        take={async () => { await talk.load(); setLate(null); }} />}
    </section>
  );
}

function Title({ title, save }: { title: string; save: (title: string) => Promise<unknown> }) {
  const [typed, setTyped] = useState<string | null>(null);
  if (typed === null) return <h1 class="chat-title"><button type="button" class="button quiet" title="Rename" onClick={() => setTyped(title)}>{title || "Chat"}</button></h1>;
  return (
    <form class="row" onSubmit={(event) => { event.preventDefault(); save(typed).then(() => setTyped(null), tell); }}>
      <h1 class="visually-hidden">Chat</h1>
      <input class="input chat-rename" autofocus aria-label="Name of this chat" maxLength={200} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
      <Button type="submit">Rename</Button>
    </form>
  );
}

/** Asked twice: what is deleted does not come back. */
function Remove({ remove }: { remove: () => Promise<void> }) {
  const [sure, setSure] = useState(false);
  useEffect(() => {
    const later = sure ? setTimeout(() => setSure(false), 4000) : undefined;
    return () => clearTimeout(later);
  }, [sure]);
  return sure ? <Button kind="danger" act={remove}>Delete for good</Button> : <Button kind="quiet" act={() => setSure(true)}>Delete</Button>;
}
