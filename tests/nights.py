"""Made-up nights of a small warehouse, for measuring predictions: what ran when, for as many nights as wanted.

Nine jobs: two start by the clock, one goes by the clock in the middle of the night, the others follow their inputs.
Runs take some 12 % more or less; all get slower over the months; Mondays are heavy and Sundays light; one run in
forty takes twice to three times as long; one night in sixteen a source starts 20 to 70 minutes late. Some of a night's
luck is common to all of its runs. The same seed makes the same nights.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import networkx as nx

from tests.events import Json, dataset, run_event
from triggers.habits import PastRun
from triggers.predict import CurrentRun

MINUTE = 60_000_000
DAY = 1440 * MINUTE
FIRST = 1_780_272_000_000_000
"""2026-06-01T00:00:00Z, a Monday."""

DEADLINE = 420 * MINUTE
"""Seven o'clock."""

MART = "dataset:w:mart"

STEPS: dict[str, tuple[tuple[str, ...], float | None, float, float]] = {
    # job: what it follows, minutes after midnight at which it starts at the earliest, minutes it takes, and drift a day
    "orders": ((), 120, 50, 0.001),
    "clicks": ((), 150, 35, 0.002),
    "clean_orders": (("orders",), None, 40, 0.001),
    "sessions": (("clicks",), None, 55, 0.001),
    "rates": ((), 240, 6, 0.0),
    "join": (("clean_orders", "sessions"), None, 45, 0.001),
    "valuation": (("join", "rates"), 270, 25, 0.0),
    "checks": (("join",), None, 20, 0.0),
    "publish": (("valuation", "checks"), None, 15, 0.001),
}


@dataclass(frozen=True, slots=True)
class Night:
    """What was there when, in µs UTC."""

    cycle: int
    weekday: int
    runs: dict[str, CurrentRun]

    @property
    def arrival(self) -> int:
        return self.ended("publish")

    def ended(self, job: str) -> int:
        ended_at = self.runs[job].ended_at
        assert ended_at is not None
        return ended_at

    def seen(self, now: int) -> dict[str, CurrentRun | None]:
        """Give what is known of the runs at a moment."""
        return {
            job: None
            if run.started_at > now
            else CurrentRun(run.started_at, run.ended_at if (run.ended_at or 0) <= now else None)
            for job, run in self.runs.items()
        }


def graph() -> nx.DiGraph[str]:
    """Give jobs and the datasets between them."""
    made: nx.DiGraph[str] = nx.DiGraph()
    for job, (follows, *_) in STEPS.items():
        made.add_edge(job, MART if job == "publish" else f"dataset:w:{job}")
        made.add_edges_from((f"dataset:w:{each}", job) for each in follows)
    return made


def nights(number: int, seed: int) -> list[Night]:
    """Make nights one after the other."""
    chance = random.Random(seed)
    return [_night(chance, day) for day in range(number)]


def history(past: Sequence[Night]) -> dict[str, list[PastRun]]:
    """Give the runs of nights as predictions learn from them."""
    return {
        job: [
            PastRun(
                night.cycle,
                night.weekday,
                night.runs[job].started_at - night.cycle,
                night.ended(job) - night.runs[job].started_at,
                night.runs[job].started_at - max(night.ended(each) for each in follows) if follows else None,
            )
            for night in past
        ]
        for job, (follows, *_) in STEPS.items()
    }


def events(night: Night) -> list[tuple[int, Json]]:
    """Give the events of a night, each with its time, in order."""
    made = []
    for job, run in night.runs.items():
        made_by = partial(
            run_event,
            job=job,
            run=f"{job} {night.cycle}",
            inputs=[dataset(each, "w") for each in STEPS[job][0]],
            outputs=[dataset("mart" if job == "publish" else job, "w")],
            namespace="w",
        )
        for kind, at in (("START", run.started_at), ("COMPLETE", night.ended(job))):
            made.append((at, made_by(kind, at)))
    return sorted(made, key=lambda event: event[0])


def _night(chance: random.Random, day: int) -> Night:
    cycle, weekday = FIRST + day * DAY, day % 7
    luck = chance.gauss(0, 0.05)
    runs: dict[str, CurrentRun] = {}
    ends: dict[str, float] = {}
    late = chance.choice(("orders", "clicks")) if chance.random() < 1 / 16 else None
    for job, (follows, clock, takes, drift) in STEPS.items():
        start = max([clock or 0.0, *(ends[each] for each in follows)]) + chance.expovariate(1 / 2)
        start += chance.uniform(20, 70) if job == late else 0
        length = takes * (1 + drift) ** day * {0: 1.2, 6: 0.85}.get(weekday, 1.0)
        length *= chance.lognormvariate(luck, 0.11)
        length *= chance.uniform(2, 3) if chance.random() < 1 / 40 else 1
        ends[job] = start + length
        runs[job] = CurrentRun(cycle + round(start * MINUTE), cycle + round(ends[job] * MINUTE))
    return Night(cycle, weekday, runs)
