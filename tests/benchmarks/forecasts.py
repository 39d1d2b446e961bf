"""The same question as ``tests.benchmarks.prediction``, put to the engine: made-up nights go through the log.

Run it as ``python -m tests.benchmarks.forecasts``. The nights' events are received as time goes on, and projected;
every five minutes the engine's forecasts do what time has come for. It knows nothing but the tables, finds the jobs by
the graph, and deals out their runs to cycles by itself. A warning is given when four fifths of what may be is late.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from datetime import time as time_of_day
from functools import partial
from pathlib import Path
from statistics import fmean, median

from sqlalchemy import insert

from collector.engine.forecasts import Forecasts, open_warnings, write
from collector.ingest.projector import Projector
from collector.questions.forecast import forecast_of
from collector.storage import facts
from collector.storage.engine import Database
from collector.storage.migrate import upgrade
from collector.storage.tables import expectation_state
from lineage.model import DatasetRef
from tests.benchmarks.prediction import EVERY, MOMENTS, Intervals, Warnings
from tests.dump import feed
from tests.events import Json
from tests.nights import DAY, DEADLINE, MINUTE, Night, events, nights
from triggers.habits import CYCLES
from triggers.model import Due, EarlyWarning, Expectation, Selector
from triggers.rules import RuleSet

MART = DatasetRef("w", "mart").id

RULE = Expectation(
    id="mart",
    selector=Selector("w", "mart"),
    condition=Due(at=time_of_day(DEADLINE // MINUTE // 60)),
    warning=EarlyWarning(DEADLINE),
)
RULES = RuleSet({RULE.id: RULE})


class Engine:
    """As much of the engine as forecasts need, on a database in a file."""

    def __init__(self, url: str) -> None:
        upgrade(url)
        self.database = Database(url)
        self.projector = Projector(self.database, holder="benchmark")
        self.forecasts = Forecasts()
        self.looks: list[float] = []
        state = {"expectation_id": RULE.id, "dataset_id": MART, "state": "unknown", "changed_at": 0}
        reason = '{"code":"never","values":{}}'
        with self.database.write() as conn:
            conn.execute(insert(expectation_state).values(**state, reason=reason, held=False))

    def receive(self, bodies: Sequence[Json], now: int) -> None:
        if bodies:
            feed(self.database, bodies, now)
            self.projector.drain()

    def step(self, now: int) -> bool:
        """Do what time has come for; tell whether it is announced that the mart will be late."""
        with self.database.read() as conn:
            told = facts.told(conn, 10_000)
            started = time.perf_counter()
            changes = self.forecasts.step(conn, RULES, told.subjects, now)
            if any(row.outlook and row.outlook.made_at == now for row in changes.rows):
                self.looks.append(time.perf_counter() - started)
        with self.database.write() as conn:
            write(conn, changes)
            facts.forget(conn, told.ids)
            return bool(open_warnings(conn, RULES, now))

    def measure(self, night: Night, into: Intervals, now: int) -> None:
        """Compare what is foretold now with what came."""
        with self.database.read() as conn:
            (found,) = forecast_of(conn, RULES, MART, now)
        told = found.outlook
        assert told is not None
        assert told.expected is not None, told.reason
        assert told.earliest is not None
        assert told.latest is not None
        into.held.append(told.earliest <= night.arrival <= told.latest)
        into.widths.append(told.latest - told.earliest)
        into.errors.append(abs(told.expected - night.arrival))


def play(engine: Engine, night: Night, intervals: dict[int, Intervals], warnings: Warnings) -> None:
    """Play one night, and count what was foretold of it."""
    deadline, warned, reached = night.cycle + DEADLINE, None, night.cycle - 1
    for now in range(night.cycle, deadline, EVERY):
        engine.receive([body for at, body in events(night) if reached < at <= now], now)
        reached = now
        if engine.step(now) and warned is None:
            warned = now
        minute = (now - night.cycle) // MINUTE
        if minute in intervals and night.arrival > now:
            engine.measure(night, intervals[minute], now)
    late = night.arrival > deadline
    if warned is not None and late:
        warnings.leads.append(deadline - warned)
    warnings.false += warned is not None and not late
    warnings.untold += late and warned is None
    end = night.cycle + DAY - 1
    engine.receive([body for at, body in events(night) if at > reached], end)
    engine.step(end)


def main() -> None:
    """Print the coverage, then the warnings, then what a forecast takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=40, help="besides those that are only learnt from")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    intervals = {minute: Intervals() for minute in MOMENTS}
    warnings, naive = Warnings(), Warnings()
    made = nights(CYCLES + given.nights, given.seed)
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(f"sqlite:///{Path(folder) / 'nights.db'}")
        for night in made[:CYCLES]:
            engine.receive([body for _, body in events(night)], night.cycle + DAY - 1)
        engine.step(made[CYCLES].cycle - 1)
        for before, night in zip(made[CYCLES - 1 :], made[CYCLES:], strict=False):
            play(engine, night, intervals, warnings)
            yesterday = before.arrival - before.cycle + night.cycle
            naive.count(night, partial(max, yesterday))
        engine.database.close()
    print(f"{'at':>5} {'nights':>6} {'coverage':>8} {'width min':>9} {'error min':>9}")
    for minute, into in intervals.items():
        print(
            f"{minute // 60:02}:{minute % 60:02} {len(into.held):6} {into.coverage:8.3f} "
            f"{fmean(into.widths) / MINUTE:9.1f} {fmean(into.errors) / MINUTE:9.1f}"
        )
    held = [each for into in intervals.values() for each in into.held]
    print(f"  all {len(held):6} {fmean(held):8.3f}")
    for name, told in (("engine", warnings), ("yesterday", naive)):
        leads = told.leads or [0]
        print(
            f"{name}: {len(told.leads) + told.untold} late, {len(told.leads)} warned of, {told.false} false, "
            f"median {median(leads) / MINUTE:.0f} min before the deadline"
        )
    print(f"{len(engine.looks)} forecasts, median {median(engine.looks) * 1000:.1f} ms")


if __name__ == "__main__":
    main()
