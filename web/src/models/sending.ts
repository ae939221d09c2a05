// A large file on its way to the server, in parts. Stopping it removes what has come.
import { fetched, post } from "../api/client";

const PART = 8 * 1024 * 1024;

/** The id of the file that it becomes; told hears how many bytes have come. */
export async function sent(file: File, told: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  told(0);
  const asked = { bytes: file.size, filename: file.name.slice(-200), mime_type: "application/octet-stream", purpose: "user_data" };
  const { id } = await post<{ id: string }>("/v1/uploads", asked, { signal });
  try {
    const parts: string[] = [];
    for (let at = 0; at < file.size; at += PART) {
      const form = new FormData();
      form.set("data", file.slice(at, at + PART), "part");
      const answer = await fetched("POST", `/v1/uploads/${id}/parts`, form, { signal });
      parts.push(((await answer.json()) as { id: string }).id);
      told(Math.min(file.size, at + PART));
    }
    return (await post<{ file: { id: string } }>(`/v1/uploads/${id}/complete`, { part_ids: parts }, { signal })).file.id;
  } catch (error) {
    await post(`/v1/uploads/${id}/cancel`).catch(() => undefined);
    throw error;
  }
}
