// What was dropped or chosen, as files with the paths they have among each other: folders are walked,
// hidden files are left out. Names are labels; nothing is opened by them.
export interface Given {
  name: string;
  file: File;
}

const MOST = 200_000;

/** Everything below what was dropped. Must be called while the event is handled. */
export async function dropped(transfer: DataTransfer): Promise<Given[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found: Given[] = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

/** Of an <input type=file>, with folders or without. */
export function chosen(files: FileList): Given[] {
  return [...files]
    .map((file) => ({ name: file.webkitRelativePath || file.name, file }))
    .filter((one) => !hidden(one.name));
}

async function walk(entry: FileSystemEntry, found: Given[]): Promise<void> {
  if (hidden(entry.name) || found.length >= MOST) return;
  if (entry.isFile) {
    const file = await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail));
    found.push({ name: entry.fullPath.replace(/^\//, ""), file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives a hundred at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return;
    for (const one of some) await walk(one, found);
  }
}

function hidden(path: string): boolean {
  return path.split("/").some((part) => part.startsWith("."));
}
