"""What a made-up company consists of: tables, and what reads and writes them when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset under the name that most tools use; what a tool calls it otherwise is that emitter's affair."""

    namespace: str
    name: str
    fields: tuple[tuple[str, str], ...] = ()
    """Names and types of the columns."""
    description: str = ""
    owner: str | None = None
    rows: int = 0
    """Rows that an update usually writes."""
    link: tuple[str, str] | None = None
    """Another name of it that its writer tells of."""

    @property
    def short(self) -> str:
        """The last part of the name: what people call it."""
        return self.name.rpartition(".")[2].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Check:
    """A test of one column, or without one of the whole table."""

    assertion: str
    column: str | None = None
    severity: str = "error"


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a flow that is a run of its own: a task, a model, an action."""

    name: str
    reads: tuple[Table, ...] = ()
    writes: tuple[Table, ...] = ()
    seconds: float = 10.0
    """How long it usually takes."""
    after: tuple[str, ...] | None = None
    """The steps that it waits for; None: the one before it."""
    sql: str | None = None
    derives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By column, which columns (``table.column``) it is made of, where names do not say it."""
    checks: tuple[Check, ...] = ()
    """Of the first table that is read, if nothing is written, else of what is written."""
    runs: str | None = None
    """The flow that it starts, and waits for."""


class Tool(StrEnum):
    """Who sends the events of a flow."""

    AIRFLOW = "airflow"
    DBT = "dbt"
    DLT = "dlt"
    FLINK = "flink"
    PREFECT = "prefect"
    SPARK = "spark"


@dataclass(frozen=True, slots=True)
class Flow:
    """A pipeline, a DAG, a project, an application: what starts as one.

    It starts each day ``at`` minutes before (or, negative, after) the demo's first look, or ``every`` so often (µs);
    ``live`` is how often it does while somebody watches. Without either something else starts it.
    """

    name: str
    tool: Tool
    namespace: str
    steps: tuple[Step, ...]
    owner: str
    at: int | None = None
    every: int | None = None
    live: int | None = None
    offset: int = 0
    """µs by which what comes ``every`` so often is shifted against full hours."""
    description: str = ""
    tags: tuple[str, ...] = ()
    day_before: bool = False
    """Whether a run is about the day before the one on which it starts."""
    fingerprint: str = ""
    """What dlt makes of the host of its destination."""


def columns(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``id bigint, name text`` as pairs."""
    pairs = (part.strip().partition(" ") for part in text.split(",") if part.strip())
    return tuple((name, kind.replace(";", ",")) for name, _, kind in pairs)
