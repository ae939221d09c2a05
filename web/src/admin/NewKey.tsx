// A new key: what it may, how much a day, for how long; the key itself, this once.
import { useState } from "preact/hooks";
import { post } from "../api/client";
import { setKey } from "../api/key";
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { Field } from "../look/Field";
import { tell } from "../shell/notices";
import { QuotaFields } from "./QuotaFields";
import { type Quotas, SCOPES, type User } from "./told";

export function NewKey({ first, users, close }: { first: boolean; users: User[]; close: () => void }) {
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Dialog title={secret ? "The key" : "A new key"} close={close}>
      {secret ? <Shown secret={secret} close={close} /> : <Form first={first} users={users} made={setSecret} />}
    </Dialog>
  );
}

function Form({ first, users, made }: { first: boolean; users: User[]; made: (secret: string) => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState(first ? "admin" : "member");
  const [scopes, setScopes] = useState<string[]>([]);
  const [user, setUser] = useState("");
  const [days, setDays] = useState("");
  const [most, setMost] = useState<Quotas>({});
  async function make() {
    const body = { name: name.trim(), role, scopes, quotas: most, user: user || null, expires_after_days: days ? Number(days) : null };
    const { key } = await post<{ key: string }>("/v1/admin/keys", body);
    if (first) setKey(key); // or this tab would be shut out of what it has just locked
    made(key);
  }
  const flip = (scope: string) => setScopes(scopes.includes(scope) ? scopes.filter((one) => one !== scope) : [...scopes, scope]);
  return (
    <>
      {first && (
        <p class="notice warn">
          This is the first key. Once it is made, nothing on this server opens without a key: this tab will use the new
          one, all others are asked for one. Without the role admin nobody could make the next.
        </p>
      )}
      <Field name="Name" help="To tell it from others, such as a person or a program.">
        {(tied) => <input {...tied} class="input" value={name} maxLength={100} autofocus onInput={(e) => setName(e.currentTarget.value)} />}
      </Field>
      <Field name="Role" help={role === "admin" ? "Everything: keys, users, logs, every model." : "Uses models, keeps files, trains. Sees what is its own."}>
        {(tied) => (
          <select {...tied} class="input" value={role} onChange={(e) => setRole(e.currentTarget.value)}>
            <option value="member">member</option>
            <option value="admin">admin</option>
          </select>
        )}
      </Field>
      <fieldset class="field">
        <legend class="admin-legend">Scopes</legend>
        <div class="row">
          {SCOPES.map((scope) => (
            <label key={scope} class="row"><input type="checkbox" checked={scopes.includes(scope)} onChange={() => flip(scope)} />{scope}</label>
          ))}
        </div>
        <div class="help">None chosen means all of the role.</div>
      </fieldset>
      {users.length > 0 && (
        <Field name="Of a user" help="What the key uses and keeps is then the user's.">
          {(tied) => (
            <select {...tied} class="input" value={user} onChange={(e) => setUser(e.currentTarget.value)}>
              <option value="">of nobody</option>
              {users.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
            </select>
          )}
        </Field>
      )}
      <QuotaFields most={most} change={setMost} />
      <Field name="Days until it expires" help="Left empty, never.">
        {(tied) => <input {...tied} class="input" type="number" min="0" step="any" value={days} onInput={(e) => setDays(e.currentTarget.value)} />}
      </Field>
      <div><Button kind="first" disabled={!name.trim()} act={make}>Make it</Button></div>
    </>
  );
}

function Shown({ secret, close }: { secret: string; close: () => void }) {
  async function copy() {
    await navigator.clipboard.writeText(secret);
    tell("Copied", "good");
  }
  return (
    <>
      <p class="notice warn">It is shown this once. The server keeps its hash alone: what is lost cannot be read again.</p>
      <Field name="Key">
        {(tied) => <input {...tied} class="input number" readOnly value={secret} onFocus={(e) => e.currentTarget.select()} />}
      </Field>
      <div class="row"><Button kind="first" act={copy}>Copy</Button><Button act={close}>I have it</Button></div>
    </>
  );
}
