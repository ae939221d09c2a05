// The chats there are: looked for by what was said in them, opened, exported, taken back.
import { useEffect, useRef, useState } from "preact/hooks";
import { fetched } from "../api/client";
import { part } from "../api/client";
import { Button } from "../look/Button";
import { when } from "../look/numbers";
import { tell } from "../shell/notices";
import { go, to } from "../shell/router";
import { type Chat, made, searched } from "./chats";

/** turn: changes when the list is to be asked for again. */
export function ChatList({ current, turn }: { current: string | null; turn: unknown }) {
  const [query, setQuery] = useState("");
  const [found, setFound] = useState<Chat[]>([]);
  const [more, setMore] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  useEffect(() => {
    let here = true;
    const later = setTimeout(() => {
      searched(query, null).then(({ data, has_more }) => {
        if (!here) return;
        setFound(data);
        setMore(has_more);
      }, tell);
    }, query ? 200 : 0);
    return () => { here = false; clearTimeout(later); };
  }, [query, turn]);
  async function longer() {
    const { data, has_more } = await searched(query, found.at(-1)?.id ?? null);
    setFound([...found, ...data]);
    setMore(has_more);
  }
  async function taken(files: FileList | null) {
    const one = files?.[0];
    if (!one) return;
    try {
      const chat = await made(JSON.parse(await one.text()) as object);
      go("chat", [chat.id]);
    } catch (error) {
      tell(error instanceof SyntaxError ? new Error("this file is no chat: the JSON of an export is expected") : error);
    }
  }
  return (
    <nav class="chat-list" aria-label="Chats">
      <a class="button" href={to("chat")} aria-current={current ? undefined : "page"}>New chat</a>
      <input class="input" type="search" placeholder="Find in chats" aria-label="Find in chats" value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
      <ul>
        {found.map((one) => (
          <li key={one.id}>
            <a href={to("chat", [one.id])} aria-current={one.id === current ? "page" : undefined}>
              <span class="cut">{one.title || one.excerpt || "Nothing said yet"}</span>
              <span class="small faint cut">{when(one.changed_at)}</span>
            </a>
          </li>
        ))}
      </ul>
      {more && <Button kind="quiet" act={longer}>Show more</Button>}
      {!found.length && <p class="small faint">{query ? "Nothing was said like that." : "Chats are kept on this server until you delete them."}</p>}
      <input ref={file} type="file" accept="application/json,.json" hidden aria-label="The file of an exported chat" onChange={(event) => { void taken(event.currentTarget.files); event.currentTarget.value = ""; }} />
      <Button kind="quiet" act={() => file.current?.click()}>Import a chat</Button>
    </nav>
  );
}

/** The whole chat as a file of JSON, called by its id. */
export async function exported(id: string): Promise<void> {
  const blob = await (await fetched("GET", `/v1/chats/${part(id)}`)).blob();
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = `${id}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
