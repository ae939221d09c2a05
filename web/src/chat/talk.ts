// One open chat: its turns as signals, the branch that is looked at, and the answers that are being made.
// An answer belongs to the server: here it is only followed, and followed again after the network went.
import { batch, computed, type Signal, signal } from "@preact/signals";
import { Failed } from "../api/client";
import { events } from "../api/stream";
import * as server from "./chats";
import type { Chance, Chat, Fields, Said, Turn } from "./chats";

const PAUSES = [300, 1000, 2000, 5000]; // milliseconds before one tries again

interface Piece {
  text?: string;
  reasoning?: string;
  calls?: { index: number; id: string; name: string; arguments: string }[];
  chances?: Chance[];
  usage: Turn["usage"];
  timing: Turn["timing"];
}

export class Talk {
  readonly chat = signal<Chat | null>(null);
  readonly missing = signal<string | null>(null);
  /** Set while the server cannot be heard. */
  readonly away = signal(false);
  readonly order = signal<readonly string[]>([]);
  readonly head = signal<string | null>(null);
  readonly turns = new Map<string, Signal<Turn>>();
  /** Chances of answers that came while one looked. */
  readonly heard = new Map<string, Chance[]>();
  private readonly followed = new Set<string>();
  private readonly leave = new AbortController();

  /** The turns of the branch that is looked at. */
  readonly way = computed(() => {
    const out: string[] = [];
    void this.order.value;
    for (let at = this.head.value; at !== null && this.turns.has(at); at = this.turn(at).parent) out.unshift(at);
    return out;
  });
  readonly last = computed(() => (this.head.value === null ? null : (this.turns.get(this.head.value)?.value ?? null)));

  /** Set where the branch goes on elsewhere: another tab has said something behind it. */
  readonly further = computed(() => this.order.value.some((one) => this.turn(one).parent === this.head.value));

  constructor(readonly id: string) {}

  turn(id: string): Turn {
    return this.turns.get(id)!.peek();
  }

  close(): void {
    this.leave.abort();
  }

  async load(first = false): Promise<void> {
    try {
      const { turns, ...chat } = await server.opened(this.id);
      batch(() => {
        for (const turn of turns) this.put(turn);
        this.order.value = turns.map((turn) => turn.id);
        this.chat.value = chat;
        if (first || this.head.value === null) this.head.value = chat.head;
        this.away.value = false;
      });
    } catch (error) {
      if (error instanceof Failed && error.status === 404) this.missing.value = error.message;
      else if (first) throw error;
    }
  }

  private put(turn: Turn): void {
    const held = this.turns.get(turn.id);
    if (!held) this.turns.set(turn.id, signal(turn));
    else if (!this.followed.has(turn.id) && !same(held.peek(), turn)) held.value = turn;
    if (turn.status === "in_progress") void this.follow(turn.id);
  }

  // --- branches ---------------------------------------------------------------------------------

  /** Those that stand in each other's place, oldest first. */
  beside(id: string): string[] {
    const { parent, role } = this.turn(id);
    return this.order.value.filter((one) => this.turn(one).parent === parent && this.turn(one).role === role);
  }

  /** Look at the newest branch through this turn. */
  async show(id: string): Promise<void> {
    let at = id;
    for (;;) {
      const next = this.order.peek().filter((one) => this.turn(one).parent === at).at(-1);
      if (next === undefined) break;
      at = next;
    }
    this.head.value = at;
    await server.shown(this.id, at);
  }

  // --- what is asked ----------------------------------------------------------------------------

  async say(parent: string | null, said: Said[]): Promise<void> {
    const { data } = await server.answered(this.id, parent, said);
    batch(() => {
      for (const turn of data) this.put(turn);
      this.order.value = [...this.order.value, ...data.map((turn) => turn.id).filter((one) => !this.order.value.includes(one))];
      this.head.value = data.at(-1)?.id ?? this.head.value;
    });
  }

  async goOn(id: string): Promise<void> {
    this.put(await server.continued(this.id, id));
  }

  async stop(id: string): Promise<void> {
    await server.stopped(this.id, id);
  }

  async change(fields: Partial<Fields>, version = this.chat.peek()?.version ?? 1): Promise<void> {
    this.chat.value = await server.changed(this.id, version, fields);
  }

  // --- answers that grow ------------------------------------------------------------------------

  private async follow(id: string): Promise<void> {
    if (this.followed.has(id)) return;
    this.followed.add(id);
    for (let tries = 0; !this.leave.signal.aborted; tries++) {
      try {
        if (await this.hear(id, () => (tries = 0))) break;
      } catch (error) {
        if (error instanceof Failed && error.status >= 400 && error.status < 500) break;
      }
      if (this.leave.signal.aborted) break;
      this.away.value = true;
      await new Promise((done) => setTimeout(done, PAUSES[Math.min(tries, PAUSES.length - 1)]));
    }
    this.followed.delete(id);
  }

  /** True once it has ended. */
  private async hear(id: string, heard: () => void): Promise<boolean> {
    const held = this.turns.get(id)!;
    let grown = held.peek();
    let waits = 0;
    const flush = () => {
      waits = 0;
      held.value = grown;
    };
    try {
      for await (const told of events("GET", server.following(this.id, id), undefined, { signal: this.leave.signal })) {
        heard();
        this.away.value = false;
        if (told.event === "piece") grown = this.added(grown, JSON.parse(told.data) as Piece);
        else if (told.event === "snapshot" || told.event === "turn") grown = (JSON.parse(told.data) as { turn: Turn }).turn;
        else throw new Error("the server could not go on");
        if (told.event === "turn") return true;
        if (told.event === "snapshot") this.heard.delete(id); // what went before is asked for
        waits ||= document.hidden ? window.setTimeout(flush, 250) : requestAnimationFrame(flush);
      }
      return false;
    } finally {
      flush();
    }
  }

  private added(turn: Turn, piece: Piece): Turn {
    const calls = [...(turn.calls ?? [])];
    for (const { index, ...call } of piece.calls ?? []) {
      const old = calls[index];
      calls[index] = old ? { ...old, arguments: old.arguments + call.arguments } : call;
    }
    const text = turn.text + (piece.text ?? "");
    const more = piece.reasoning ? { reasoning: (turn.reasoning ?? "") + piece.reasoning } : {};
    if (piece.chances && (turn.text === "" || this.heard.has(turn.id))) this.heard.set(turn.id, [...(this.heard.get(turn.id) ?? []), ...piece.chances]);
    return { ...turn, ...more, text, usage: piece.usage, timing: piece.timing, ...(calls.length ? { calls } : {}), ...(piece.chances ? { measured: true } : {}) };
  }
}

function same(was: Turn, now: Turn): boolean {
  return was.status === now.status && was.text === now.text && was.usage?.made === now.usage?.made;
}
