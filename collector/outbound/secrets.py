"""Secrets of targets: rules name them as ``env:NAME`` or ``file:PATH``, and they are read when something is sent.

Nothing keeps their values, and all that is read here is kept out of log lines and stored errors, see
``collector.redaction``. A file is read each time, so a new secret needs no restart.

Rules are written by many, and say also where something is sent to: what they may name has bounds, which the settings
``secret_env`` and ``secret_files`` draw.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Self

from collector.errors import ConfigurationError
from collector.redaction import hide
from collector.settings import Settings

ENV: Final = "env:"
FILE: Final = "file:"

RESERVED: Final = ("TIDEGATE_", "PG", "OPENLINEAGE_")
"""How the names of variables begin that steer the program itself: the address of its database with the password is
one. No pattern takes them in; a name that is spelt out does."""

_PATTERN: Final = re.compile(r"[A-Za-z0-9_*?\[\]!-]+")

Step = str | int


class SecretMissing(Exception):
    """A secret cannot be read; an operator can cure it. The message has the reference, never a value."""


class SecretForbidden(Exception):
    """Rules may not refer to this. The message names the setting that could allow it."""


def references(value: object, *path: Step) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Give what a value refers to, and where in it, in lists and mappings too."""
    if isinstance(value, str):
        if value.startswith((ENV, FILE)):
            yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from references(inner, *path, name)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from references(inner, *path, number)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Reads secrets, those that rules may refer to."""

    variables: tuple[str, ...]
    """Patterns of names of environment variables."""
    folders: tuple[Path, ...]
    """Files in them, at any depth."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read the settings ``secret_env`` and ``secret_files``; raises ``ConfigurationError``."""
        variables = tuple(_entries(settings.secret_env))
        for entry in variables:
            if not _PATTERN.fullmatch(entry):
                raise ConfigurationError(f"secret_env: {entry!r} is no pattern of names such as ALERT_*.")
        folders = tuple(Path(entry) for entry in _entries(settings.secret_files))
        for folder in folders:
            if not folder.is_absolute():
                raise ConfigurationError(f"secret_files: {folder} is no folder from / on.")
        return cls(variables, folders)

    def check(self, reference: str) -> None:
        """Raise ``SecretForbidden`` if rules may not refer to this, whether it is there or not."""
        if reference.startswith(ENV):
            self._check_variable(reference)
        else:
            self._real_path(reference)

    def resolve(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Give the options of a target with the values of what they name, in lists and mappings too.

        Raises:
            SecretForbidden: it is nothing that rules may refer to.
            SecretMissing: a variable or a file is not there, or empty.
        """
        return {name: self._resolved(value) for name, value in options.items()}

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self.resolve(value)
        if isinstance(value, list | tuple):
            return [self._resolved(item) for item in value]
        if not isinstance(value, str) or not value.startswith((ENV, FILE)):
            return value
        found = self._variable(value) if value.startswith(ENV) else self._file(value)
        if not found:
            raise SecretMissing(f"{value} is empty.")
        hide(found)
        return found

    def _variable(self, reference: str) -> str:
        self._check_variable(reference)
        found = os.environ.get(reference.removeprefix(ENV))
        if found is None:
            raise SecretMissing(f"{reference} is not set.")
        return found.strip()

    def _file(self, reference: str) -> str:
        # What was checked is what is read, not what a link says a moment later.
        path = self._real_path(reference)
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SecretMissing(f"{reference} cannot be read: {error.strerror}.") from error
        except ValueError:
            # Not from the error: it would quote what was read.
            raise SecretMissing(f"{reference} is no text.") from None

    def _check_variable(self, reference: str) -> None:
        name = reference.removeprefix(ENV)
        if name in self.variables:
            return
        if name.startswith(RESERVED) or not any(fnmatchcase(name, each) for each in self.variables):
            raise SecretForbidden(f"Rules may not refer to {reference}; the setting secret_env can allow it.")

    def _real_path(self, reference: str) -> Path:
        given = Path(reference.removeprefix(FILE))
        if not given.is_absolute():
            raise SecretForbidden(f"{reference} must be a whole path, from / on.")
        try:
            # Links are followed, also those that lead to the folders themselves: /var/run is one to /run.
            path = given.resolve()
            if any(path.is_relative_to(each.resolve()) for each in self.folders):
                return path
        except (OSError, RuntimeError, ValueError):
            pass  # a circle of links, or no path at all, leads nowhere
        raise SecretForbidden(
            f"Rules may not refer to {reference}; the setting secret_files can allow its folder."
        )


def _entries(setting: str) -> Iterator[str]:
    return filter(None, (part.strip() for part in setting.split(",")))
