"""One time that a flow runs: when its steps start and end, what becomes of them, how many rows they write.

Everything follows from the story, its seed, the flow and the time at which it starts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

from collector.demo.model import DAY, MINUTE, SECOND, Flow, Step, Table, Tool
from collector.demo.stack import STARTED
from collector.demo.story import Fate, Story

WEEK: Final = (0.94, 0.91, 0.95, 0.98, 1.12, 1.31, 1.2)
"""How much is sold on the days of a week, from Monday on."""

RETRY_US: Final = 25 * MINUTE
"""How long Airflow waits for the second try."""

FAILED_PART: Final = 0.4
"""A step that fails does so after this part of the time that it would have taken."""


class Sent(NamedTuple):
    """An event, and when it reached the collector (µs UTC)."""

    at: int
    body: dict[str, Any]


class Parent(NamedTuple):
    """The run that started another, and the outermost one."""

    job: tuple[str, str]
    run_id: str
    root_job: tuple[str, str]
    root_run_id: str


class Try(NamedTuple):
    """One attempt at a step; µs UTC."""

    step: Step
    number: int
    start: int
    end: int
    failed: bool


@dataclass(frozen=True)
class Occasion:
    """``at`` is when it was to start (µs UTC)."""

    story: Story
    flow: Flow
    at: int
    parent: Parent | None = None

    @cached_property
    def fate(self) -> Fate:
        """What becomes of it."""
        return self.story.fate(self.flow.name, self.at)

    @cached_property
    def start(self) -> int:
        """When it does start (µs UTC)."""
        return self.at + self.fate.delay + int(self._chance("start").uniform(0.4, 9) * SECOND)

    @cached_property
    def tries(self) -> tuple[Try, ...]:
        """The attempts at its steps, in order of their starts; what waits for a failed step is not begun."""
        ends: dict[str, int | None] = {}
        found: list[Try] = []
        before: str | None = None
        for step in self.flow.steps:
            awaited = step.after if step.after is not None else ((before,) if before else ())
            before, times = step.name, [ends[name] for name in awaited]
            begun = [time for time in times if time is not None]
            if len(begun) < len(times):
                ends[step.name] = None
                continue
            attempts = self._attempts(step, max(begun, default=self.start))
            found += attempts
            ends[step.name] = None if attempts[-1].failed else attempts[-1].end
        return tuple(sorted(found, key=lambda each: each.start))

    @cached_property
    def end(self) -> int:
        """When it ends (µs UTC)."""
        pause = self._chance("end").uniform(0.3, 1.4)
        return max((each.end for each in self.tries), default=self.start) + int(pause * SECOND)

    @property
    def failed(self) -> bool:
        """Whether it fails as a whole."""
        last = {each.step.name: each.failed for each in self.tries}
        return any(last.values())

    @property
    def nominal(self) -> tuple[int, int]:
        """The time that it is about (µs UTC): the day before in the shop, or the time since the last one."""
        if not self.flow.day_before:
            return self.at - (self.flow.every or DAY), self.at
        moment = self.story.local(self.at)
        midnight = self.at - ((moment.hour * 60 + moment.minute) * 60 + moment.second) * SECOND
        midnight -= moment.microsecond
        return midnight - DAY, midnight

    def run_id(self, of: str = "", *, version: int = 7, at: int | None = None) -> str:
        """Make the id of one of its runs: by version 7 as most clients do, by version 4 as some."""
        digest = bytearray(
            sha256(
                f"{self.story.seed}|{self.flow.namespace}|{self.flow.name}|{self.at}|{of}".encode()
            ).digest()[:16]
        )
        if version == 7:
            digest[:6] = ((self.start if at is None else at) // 1000).to_bytes(6, "big")
        digest[6] = digest[6] & 0x0F | version << 4
        digest[8] = digest[8] & 0x3F | 0x80
        return str(UUID(bytes=bytes(digest)))

    def rows(self, table: Table) -> int:
        """Give the rows that it writes: with the days of the week, growing a little, and never quite the same."""
        day = WEEK[self.story.local(self.at).weekday()]
        growth = 1 - 0.004 * self.story.days_before(self.at)
        noise = self._chance(f"rows {table.name}").gauss(1, 0.03)
        return max(0, round(table.rows * day * growth * noise * self.fate.rows))

    def fields(self, table: Table) -> tuple[tuple[str, str], ...]:
        """Give the columns of a table as they were then."""
        return tuple(field for field in map(self._field, table.fields) if field)

    def nested(self, each: Try) -> Occasion | None:
        """Give what a step starts, and waits for."""
        if each.step.runs is None:
            return None
        job = (self.flow.namespace, f"{self.flow.name}.{each.step.name}")
        run_id = self.run_id(f"{each.step.name} {each.number}", at=self.start)
        root = (self.flow.namespace, self.flow.name)
        parent = Parent(job, run_id, root, self.run_id())
        return Occasion(self.story, STARTED[each.step.runs], each.start + 3 * SECOND, parent)

    def late(self, of: str, least: float, most: float) -> int:
        """Give the time that an event takes to reach the collector (µs)."""
        return int(self._chance(f"late {of}").uniform(least, most) * SECOND)

    def _attempts(self, step: Step, ready: int) -> list[Try]:
        start = ready + int(self._chance(f"wait {step.name}").uniform(0.3, 2.5) * SECOND)
        if self.fate.fails != step.name:
            return [Try(step, 1, start, start + self._took(step, 1, start), failed=False)]
        first = Try(step, 1, start, start + int(self._took(step, 1, start) * FAILED_PART), failed=True)
        if self.flow.tool is not Tool.AIRFLOW:
            return [first]
        again, took = first.end + RETRY_US, self._took(step, 2, start)
        took = took if self.fate.retried else int(took * FAILED_PART)
        return [first, Try(step, 2, again, again + took, failed=not self.fate.retried)]

    def _took(self, step: Step, number: int, start: int) -> int:
        if step.runs is not None:
            return Occasion(self.story, STARTED[step.runs], start + 3 * SECOND).end - start + 2 * SECOND
        # A little skewed, as durations are.
        factor = math.exp(self._chance(f"took {step.name} {number}").gauss(0, 0.13)) * self.fate.slow
        return int(step.seconds * factor * SECOND)

    def _field(self, field: tuple[str, str]) -> tuple[str, str] | None:
        days = self.story.days_before(self.at)
        if field[0] == "marketing_opt_in" and days >= ADDED_DAYS_AGO:
            return None
        if field == ("total", "numeric(12,2)") and days >= RETYPED_DAYS_AGO:
            return ("total", "double precision")
        return field

    def _chance(self, of: str) -> Random:
        # Not a matter of secrets.
        return Random(f"{self.story.seed}|{self.flow.name}|{self.at}|{of}")  # noqa: S311


ADDED_DAYS_AGO: Final = 5
"""When the shop began to ask customers whether they want mail."""

RETYPED_DAYS_AGO: Final = 8
"""When amounts became exact."""
