"""Completion scripts for shells, made from the commands themselves."""

from __future__ import annotations

from typing import Literal

from genloom.cli import output


def completion(shell: Literal["bash", "zsh", "fish", "powershell"], /) -> None:
    """Print the completion script of a shell.

    For bash:  genloom completion bash > ~/.local/share/bash-completion/completions/genloom

    Parameters
    ----------
    shell
        The shell that is to complete.
    """
    from genloom.cli import app

    output.text(app.generate_completion(shell=shell))
