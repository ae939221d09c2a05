"""The one tree of errors. Each message says what was given, what was expected and what to do.

    GenloomError                 raised on purpose; the command line prints it as one line
    |-- UsageError               the caller asked for something impossible (exit code 2)
    |   |-- RecipeError          an unknown key, an illegal combination, a value out of range
    |   |-- RequestError         a prompt, condition or option that this model cannot act on
    |   `-- MissingExtra         an optional library is absent; names the extra
    |-- DataError                the training or evaluation data cannot be read or is too little
    |-- ModelError               a model folder is missing, damaged, unsafe or in use
    |-- ResourceError            not enough memory, disk or permission; carries the numbers
    |-- TrainingError            the loss stayed broken after the guard did what it could
    |   `-- RewardError          a try has no worth; the checkpoint is saved
    `-- Stopped                  interrupted by the user; the checkpoint is saved (exit code 130)

This file knows nothing else of the package.
"""

from __future__ import annotations

OVER_CONTEXT = "context_length_exceeded"  # the code of prompts that are too long


class GenloomError(Exception):
    """Base of every error raised on purpose."""

    exit_code = 1


class UsageError(GenloomError):
    """The caller asked for something that cannot be done as asked."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe has an unknown key, an illegal combination or a value out of range."""


class RequestError(UsageError):
    """A prompt, a condition or an option that this model cannot act on. param: the field that is at
    fault; code: a word for it that programs know."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param, self.code = param, code


class MissingExtra(UsageError):
    """An optional library is absent."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"this needs the library {library!r}, which is not installed: "
            f"run  pip install 'genloom[{extra}]'"
        )


class DataError(GenloomError):
    """Data cannot be read, or there is too little of it."""


class ModelError(GenloomError):
    """A model folder is missing, damaged, unsafe or in use."""


class ResourceError(GenloomError):
    """Not enough memory, disk space or permission."""


class TrainingError(GenloomError):
    """Training cannot go on: the loss stays broken."""


class RewardError(TrainingError):
    """What a model tried could not be judged, or nothing follows from the judgement."""


class Stopped(GenloomError):
    """Interrupted by the user after the checkpoint was saved."""

    exit_code = 130
