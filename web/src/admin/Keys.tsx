// Keys: which there are, a new one (shown once), and ending one.
import { useState } from "preact/hooks";
import { remove } from "../api/client";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { count, when } from "../look/numbers";
import { tell } from "../shell/notices";
import { Asking } from "./Asking";
import { NewKey } from "./NewKey";
import type { Key, Quotas, User } from "./told";

export function Keys() {
  const keys = useAsked<{ data: Key[] }>("/v1/admin/keys");
  const users = useAsked<{ data: User[] }>("/v1/admin/users");
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Key | null>(null);
  const users_ = users.data?.data ?? [];
  return (
    <Asking asked={keys}>
      {({ data }) => (
        <>
          <div><Button kind="first" act={() => setMaking(true)}>Make a key</Button></div>
          {data.length === 0 ? <p class="faint">There is no key.</p> : (
            <div class="scroll-x" tabIndex={0} role="group" aria-label="Keys">
              <table class="rows admin-table">
                <thead><tr><th>Name</th><th>Role</th><th>Quotas a day</th><th>Made</th><th>Last used</th><th>State</th><td /></tr></thead>
                <tbody>
                  {data.map((key) => (
                    <Row key={key.id} one={key} user={users_.find((user) => user.id === key.user_id)} end={() => setEnding(key)} />
                  ))}
                </tbody>
              </table>
            </div>
          )}
          {making && <NewKey first={data.length === 0} users={users_} close={() => { setMaking(false); keys.again(); }} />}
          {ending && <End one={ending} close={() => { setEnding(null); keys.again(); }} />}
        </>
      )}
    </Asking>
  );
}

function Row({ one, user, end }: { one: Key; user: User | undefined; end: () => void }) {
  const over = one.expires !== null && one.expires < Date.now() / 1000;
  const [mark, state] = one.revoked ? ["bad", "revoked"] : over ? ["warn", "expired"] : ["good", "opens"];
  return (
    <tr>
      <th scope="row">{one.name}<p class="faint"><code>{one.prefix}…</code> {user && `of ${user.name}`}</p></th>
      <td>{one.role}<p class="faint">{one.scopes.join(", ") || "all of the role"}</p></td>
      <td>{quotas(one.quotas)}</td>
      <td>{when(one.created)}{one.expires !== null && <p class="faint">until {when(one.expires)}</p>}</td>
      <td>{one.used === null ? "never" : when(one.used)}</td>
      <td><span class={`tag ${mark}`}>{state}</span></td>
      <td>{!one.revoked && <Button kind="danger" act={end} aria-label={`Revoke ${one.name}`}>Revoke</Button>}</td>
    </tr>
  );
}

export function quotas(told: Quotas): string {
  return Object.entries(told).map(([unit, most]) => `${count(most)} ${unit}`).join(", ") || "none";
}

function End({ one, close }: { one: Key; close: () => void }) {
  async function revoke() {
    await remove(`/v1/admin/keys/${encodeURIComponent(one.id)}`);
    tell(`${one.name} opens nothing any more`, "good");
    close();
  }
  return (
    <Dialog title={`Revoke ${one.name}?`} close={close}>
      <p>Whoever uses this key is let in no more, at once and for good. What was made with it stays.</p>
      <div class="row"><Button kind="danger" act={revoke}>Revoke it</Button><Button act={close}>Keep it</Button></div>
    </Dialog>
  );
}
