"""Secrets of targets: rules name them as ``env:NAME`` or ``file:PATH``, and they are read when something is sent.

Nothing keeps their values, and all that is read here is kept out of log lines and stored errors, see
``collector.redaction``. A file is read each time, so a new secret needs no restart.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from collector.redaction import hide

ENV: Final = "env:"
FILE: Final = "file:"


class SecretMissing(Exception):
    """A secret cannot be read; an operator can cure it. The message has the reference, never a value."""


def is_reference(value: object) -> bool:
    """Tell whether an option names a secret."""
    return isinstance(value, str) and value.startswith((ENV, FILE))


def resolve(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options of a target with the values of what they name, in lists and mappings too.

    Raises:
        SecretMissing: a variable or a file is not there, or empty.
    """
    return {name: _resolved(value) for name, value in options.items()}


def _resolved(value: Any) -> Any:
    if isinstance(value, Mapping):
        return resolve(value)
    if isinstance(value, list | tuple):
        return [_resolved(item) for item in value]
    if not is_reference(value):
        return value
    found = _read(value)
    if not found:
        raise SecretMissing(f"{value} is empty.")
    hide(found)
    return found


def _read(reference: str) -> str:
    if reference.startswith(ENV):
        found = os.environ.get(reference.removeprefix(ENV))
        if found is None:
            raise SecretMissing(f"{reference} is not set.")
        return found.strip()
    try:
        return Path(reference.removeprefix(FILE)).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretMissing(f"{reference} cannot be read: {error.strerror}.") from error
    except ValueError:
        # Not from the error: it would quote what was read.
        raise SecretMissing(f"{reference} is no text.") from None
