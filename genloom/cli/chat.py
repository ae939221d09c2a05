"""`genloom chat`: a conversation on the terminal, or one answer for a pipe.

Joins the session, the commands and the screen. With a prompt, or without a terminal to type at, it
answers once; what is piped in stands below the prompt.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from genloom.cli import chat_commands, chat_screen, output, settings, source
from genloom.cli.chat_session import Session, Settings, Turn
from genloom.errors import GenloomError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

HISTORY = "chat_history"


def chat(
    model: str,
    prompt: str | None = None,
    /,
    *,
    system: str | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_tokens: int | None = None,
    bits: Literal[32, 16, 8, 4] | None = None,
    adapter: str | None = None,
    speculate: str | None = None,
    json: bool = False,
) -> None:
    """Talk with a model.

    On a terminal a conversation: /help lists its commands. With a prompt, or with something piped
    in, one answer: cat notes.txt | genloom chat MODEL "summarise".

    Parameters
    ----------
    model
        Name or path of a model.
    prompt
        What to say; what comes from a pipe stands below it.
    system
        What the model is told before all else.
    seed
        The same seed answers the same again; drawn anew for a conversation.
    temperature
        0 takes the likeliest, 1 the model's own distribution.
    top_p
        Draw from the smallest set of this probability.
    max_tokens
        Longest answer, in tokens.
    bits
        Of the weights: fewer are faster and a little less exact.
    adapter
        What a model has learnt besides: a folder in the PEFT layout, or a model trained as adapter.
    speculate
        How to guess ahead, which changes the speed and not the text: lookup, or a smaller model.
    json
        Print one object: the answer, its tokens and its speed.
    """
    said = _said(None if prompt is None else source.as_given(prompt))
    drawn = 0 if said is not None else time.time_ns() % 2**31
    how = Settings(
        seed=drawn if seed is None else seed,
        temperature=temperature,
        top_p=top_p,
        max_tokens=max_tokens,
    )
    if json and said is None:
        raise UsageError("--json prints one answer: give a prompt, or pipe one in")
    with _session(model, how, bits, adapter, speculate) as session:
        session.system = system
        if said is None:
            _talk(session)
        else:
            _once(session, said, json)


@contextmanager
def _session(
    name: str, how: Settings, bits: int | None, adapter: str | None, speculate: str | None
) -> Iterator[Session]:
    loaded, guesser = settings.load(name, bits, adapter), settings.guesser(speculate)
    from genloom.codec.chat import rendering as chats

    renderer = chats.of(loaded)
    try:
        with loaded.engine(guesser) as engine:
            yield Session(
                name=Path(name).name,
                model=loaded,
                renderer=renderer,
                engine=engine,
                settings=how,
            )
    finally:
        renderer.close()


def _said(prompt: str | None) -> str | None:
    """The prompt with what is piped in below it; None where a conversation is to be held."""
    if prompt == "-":
        prompt = None
    if sys.stdin is None or sys.stdin.isatty():
        return prompt
    piped = sys.stdin.buffer.read().decode("utf-8", "replace").strip("\r\n")
    parts = [part for part in (prompt, piped) if part and part.strip()]
    if not parts:
        raise UsageError("nothing was said: give a prompt, or pipe one in")
    return "\n\n".join(parts)


# --- one answer -----------------------------------------------------------------------------------


def _once(session: Session, said: str, json: bool) -> None:
    turn = session.ask(said)
    if not json:
        chat_screen.show(turn.run())
        return
    for _ in turn.run():
        pass
    output.values(_object(session, turn))


def _object(session: Session, turn: Turn) -> dict[str, Any]:
    message = turn.message
    more = {key: message[key] for key in ("reasoning_content", "tool_calls") if key in message}
    return {
        "answer": message["content"],
        **more,
        "tokens": turn.tokens,
        "prompt_tokens": len(turn.prompt.ids),
        "tokens_per_second": round(turn.speed, 2),
        "seed": session.settings.seed,
    }


# --- a conversation -------------------------------------------------------------------------------


def _talk(session: Session) -> None:
    home: Path = settings.store().home()
    chat_screen.aside(f"{session.name}, seed {session.settings.seed}; /help, Ctrl-D")
    with chat_screen.history(home / HISTORY):
        while _next(session, home):
            pass


def _next(session: Session, home: Path) -> bool:
    """What is typed next, and what comes of it; false to leave. No fault and no Ctrl-C ends the
    conversation: it goes on as it was."""
    try:
        text = chat_screen.typed()
        return text is not None and (not text.strip() or _heard(session, text, home))
    except GenloomError as error:
        chat_screen.aside(f"error: {' '.join(str(error).split())}")
    except KeyboardInterrupt:
        chat_screen.aside("\nstopped; Ctrl-D leaves")
    return True


def _heard(session: Session, text: str, home: Path) -> bool:
    """Act on what was typed; false to leave."""
    if not chat_commands.is_command(text):
        _answer(_turn(session, text))
        return True
    done = chat_commands.run(session, text, home)
    if done.line:
        chat_screen.aside(done.line)
    if done.turn is not None:
        _answer(done.turn)
    return not done.leave


def _turn(session: Session, text: str) -> Turn:
    said = text[1:] if text.startswith("//") else text
    try:
        return session.ask(said)
    except GenloomError as error:
        if session.messages:
            raise type(error)(f"{error}; /clear begins anew, /save keeps what was said") from error
        raise


def _answer(turn: Turn) -> None:
    with chat_screen.Stop() as stop:
        chat_screen.show(turn.run(stop))
    notes = [f"{turn.tokens} tokens, {turn.speed:.1f} tokens/s"]
    notes += ["stopped"] if turn.stopped else []
    notes += ["the context is full: /clear begins anew"] if turn.full else []
    chat_screen.aside("; ".join(notes))
