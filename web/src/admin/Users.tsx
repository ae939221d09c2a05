// Users: people or programs with several keys; their role, their quotas, and shutting one out.
import { useState } from "preact/hooks";
import { post } from "../api/client";
import { useAsked } from "../api/asked";
import { Button } from "../look/Button";
import { Dialog } from "../look/Dialog";
import { Field } from "../look/Field";
import { when } from "../look/numbers";
import { Asking } from "./Asking";
import { quotas } from "./Keys";
import { QuotaFields } from "./QuotaFields";
import type { Quotas, User } from "./told";

export function Users() {
  const users = useAsked<{ data: User[] }>("/v1/admin/users");
  const [opened, setOpened] = useState<User | "new" | null>(null);
  const shut = (one: User) => async () => {
    await post(`/v1/admin/users/${encodeURIComponent(one.id)}`, { disabled: one.disabled === null });
    users.again();
  };
  return (
    <Asking asked={users}>
      {({ data }) => (
        <>
          <div><Button kind="first" act={() => setOpened("new")}>Add a user</Button></div>
          {data.length === 0 ? <p class="faint">There is no user. A key needs none.</p> : (
            <div class="scroll-x" tabIndex={0} role="group" aria-label="Users">
              <table class="rows admin-table">
                <thead><tr><th>Name</th><th>Role</th><th>Quotas a day</th><th>Added</th><th>State</th><td /></tr></thead>
                <tbody>
                  {data.map((one) => (
                    <tr key={one.id}>
                      <th scope="row">{one.name}</th>
                      <td>{one.role}</td>
                      <td>{quotas(one.quotas)}</td>
                      <td>{when(one.created)}</td>
                      <td><span class={`tag ${one.disabled ? "bad" : "good"}`}>{one.disabled ? "shut out" : "let in"}</span></td>
                      <td>
                        <div class="row">
                          <Button act={() => setOpened(one)} aria-label={`Change ${one.name}`}>Change</Button>
                          <Button kind={one.disabled ? "plain" : "danger"} act={shut(one)}>{one.disabled ? "Let in" : "Shut out"}</Button>
                        </div>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
          {opened && <Form user={opened === "new" ? null : opened} close={() => { setOpened(null); users.again(); }} />}
        </>
      )}
    </Asking>
  );
}

function Form({ user, close }: { user: User | null; close: () => void }) {
  const [name, setName] = useState(user?.name ?? "");
  const [role, setRole] = useState(user?.role ?? "member");
  const [most, setMost] = useState<Quotas>(user?.quotas ?? {});
  async function keep() {
    const path = user ? `/v1/admin/users/${encodeURIComponent(user.id)}` : "/v1/admin/users";
    await post(path, { ...(user ? {} : { name: name.trim() }), role, quotas: most });
    close();
  }
  return (
    <Dialog title={user ? user.name : "A new user"} close={close}>
      {!user && (
        <Field name="Name">
          {(tied) => <input {...tied} class="input" value={name} maxLength={100} autofocus onInput={(e) => setName(e.currentTarget.value)} />}
        </Field>
      )}
      <Field name="Role" help="No key of the user may more than this.">
        {(tied) => (
          <select {...tied} class="input" value={role} onChange={(e) => setRole(e.currentTarget.value)}>
            <option value="member">member</option>
            <option value="admin">admin</option>
          </select>
        )}
      </Field>
      <QuotaFields most={most} change={setMost} />
      <div><Button kind="first" disabled={!name.trim()} act={keep}>{user ? "Keep" : "Add"}</Button></div>
    </Dialog>
  );
}
