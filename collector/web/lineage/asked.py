"""What somebody asks of the lineage page: parameters, their values when nothing is said, and addresses with others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from collector.errors import BadRequest, FieldError
from collector.web.lineage.folding import GROUPINGS

VIEWS: Final = ("graph", "list")
ONLY: Final = ("all", "path")
COLOURS: Final = ("freshness", "run")

DEFAULT_DEPTH: Final = {"job": 2, "dataset": 1, "column": 1, "run": 1}
"""One step each way: at level ``job`` that is a job and what is on its other side."""

MOST_OPEN: Final = 40
"""Nodes and groups that may be opened at once: each node takes a question of its own."""

DEFAULTS: Final = {"view": "graph", "only": "all", "colour": "freshness", "group": "auto"}
CHOICES: Final = {"view": VIEWS, "only": ONLY, "colour": COLOURS, "group": GROUPINGS}

TWIN: Final = ("node", "direction", "depth", "level", "fold", "as_of", "window", "control", "indirect")
"""Parameters that go to the API as they are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked; ``given`` are the parameters of the address, by which other addresses of the page are made."""

    path: str
    given: Mapping[str, str]

    @property
    def walk(self) -> dict[str, str]:
        """The parameters of the API."""
        found = {name: self.given[name] for name in TWIN if name in self.given}
        found.setdefault("depth", str(DEFAULT_DEPTH.get(self.level, 1)))
        return found

    @property
    def node(self) -> str:
        return self.given["node"]

    @property
    def level(self) -> str:
        """The level; a column or a run implies its own."""
        kind = self.node.partition(":")[0]
        return kind if kind in ("column", "run") else self.given.get("level", "job")

    @property
    def coarse(self) -> bool:
        """Tell whether it is about jobs and datasets."""
        return self.level in ("job", "dataset")

    def choice(self, name: str) -> str:
        """Give one of ``CHOICES``."""
        return self.given.get(name, DEFAULTS[name])

    @property
    def opened(self) -> dict[str, int]:
        """Give the short names of what is open, with how many pages of it (``g1a2b3.2``), in the order of opening."""
        found = {}
        for part in self.given.get("open", "").split(",")[:MOST_OPEN]:
            key, _, times = part.partition(".")
            if key:
                found[key] = int(times) if times.isdecimal() and len(times) < 4 else 1
        return found

    def url(self, **changes: str | None) -> str:
        """Give the address of the page with some parameters changed; those that become None go."""
        kept = {**self.given, **changes}
        left = {name: value for name, value in kept.items() if value and DEFAULTS.get(name) != value}
        return f"{self.path}?{urlencode(left)}"

    def opening(self, key: str) -> str:
        """Give the address at which something is opened, or opened further."""
        opened = self.opened
        return self.url(open=_listed({**opened, key: opened.get(key, 0) + 1}))

    def closing(self, key: str) -> str:
        """Give the address at which something is not open any more."""
        return self.url(open=_listed({name: times for name, times in self.opened.items() if name != key}))


def _listed(opened: Mapping[str, int]) -> str:
    return ",".join(key if times == 1 else f"{key}.{times}" for key, times in opened.items())


def read(path: str, given: Iterable[tuple[str, str]]) -> Asked:
    """Read the parameters of the page; empty ones, as forms send them, are left out, of several the last counts.

    Raises ``BadRequest`` for a choice that there is not. What goes to the API is checked there.
    """
    known = {name: value for name, value in given if value}
    for name, choices in CHOICES.items():
        if known.get(name, choices[0]) not in choices:
            reason = f"Must be one of: {', '.join(choices)}."
            raise BadRequest(f"?{name}: {reason}", errors=(FieldError(f"?{name}", reason),))
    asked = Asked(path, known)
    # Every link of the page holds them: those beyond the bound, and what means nothing, are not passed on.
    return Asked(path, known | {"open": _listed(asked.opened)}) if "open" in known else asked
