"""How often predicted intervals hold, and how long before a deadline a miss is foretold: on made-up nights.

Run it as ``python -m tests.benchmarks.prediction``. Each night is predicted from the nights before it alone, at certain
times of the night for the intervals, and every five minutes for the warning. The naive prediction is that the dataset
comes when it came the night before, or now if that time has passed. A warning is given when more than half of what
may be is late, or four fifths.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean, median

from tests.nights import DEADLINE, MART, MINUTE, Night, graph, history, nights
from triggers.habits import CYCLES, Habit, learn
from triggers.predict import Estimate, predict

MOMENTS = (0, 120, 180, 240, 300, 330)
"""Minutes after midnight at which intervals are measured, on nights on which the dataset is not there by then."""

EVERY = 5 * MINUTE
GRAPH = graph()


@dataclass
class Intervals:
    """What was foretold at one time of the night: whether the interval held, how wide it was, how wrong its middle."""

    held: list[bool] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    naive: list[int] = field(default_factory=list)

    @property
    def coverage(self) -> float:
        return fmean(self.held)


@dataclass
class Warnings:
    """How many µs before the deadline it was first told of nights that missed it, and of how many that did not."""

    leads: list[int] = field(default_factory=list)
    untold: int = 0
    false: int = 0

    def count(self, night: Night, foretold: Callable[[int], int]) -> None:
        """Take up one night; ``foretold`` gives the expected arrival."""
        deadline = night.cycle + DEADLINE
        late = night.arrival > deadline
        for now in range(night.cycle, min(deadline, night.arrival), EVERY):
            if foretold(now) > deadline:
                if late:
                    self.leads.append(deadline - now)
                else:
                    self.false += 1
                return
        self.untold += late


def predicted(number: int, seed: int) -> Iterator[tuple[Night, Night, dict[str, Habit]]]:
    """Give nights, each with the one before and the habits learnt from all before it."""
    made = nights(CYCLES + number, seed)
    for place in range(CYCLES, len(made)):
        yield made[place], made[place - 1], learn(history(made[:place]), made[place].weekday)


def foretell(night: Night, habits: dict[str, Habit], now: int) -> Estimate:
    """Predict the arrival in a night from what is known of it at a moment."""
    estimate = predict(GRAPH, MART, night.seen(now), habits, night.cycle, now)
    assert estimate is not None
    return estimate


def measure(night: Night, before: Night, habits: dict[str, Habit], minute: int, into: Intervals) -> None:
    """Compare what is foretold at a minute of the night with what came."""
    now = night.cycle + minute * MINUTE
    if night.arrival <= now:
        return
    estimate = foretell(night, habits, now)
    low, high = estimate.interval(0.9)
    into.held.append(low <= night.arrival <= high)
    into.widths.append(high - low)
    into.errors.append(abs(estimate.at(0.5) - night.arrival))
    into.naive.append(
        abs(max(before.arrival - before.cycle, now - night.cycle) + night.cycle - night.arrival)
    )


def main() -> None:
    """Print the coverage, then the warnings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--nights", type=int, default=200, help="of each seed, besides those that are only learnt from"
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    given = parser.parse_args()
    intervals = {minute: Intervals() for minute in MOMENTS}
    likely, sure, naive = Warnings(), Warnings(), Warnings()
    learning, predicting = list[float](), list[float]()
    for seed in given.seeds:
        started = time.perf_counter()
        for night, before, habits in predicted(given.nights, seed):
            learning.append(time.perf_counter() - started)
            for minute, into in intervals.items():
                measure(night, before, habits, minute, into)

            def ours(now: int, share: float, night: Night = night, habits: dict[str, Habit] = habits) -> int:
                started = time.perf_counter()
                expected = foretell(night, habits, now).at(share)
                predicting.append(time.perf_counter() - started)
                return expected

            def yesterday(now: int, night: Night = night, before: Night = before) -> int:
                return max(before.arrival - before.cycle + night.cycle, now)

            likely.count(night, partial(ours, share=0.5))
            sure.count(night, partial(ours, share=0.2))
            naive.count(night, yesterday)
            started = time.perf_counter()
    print(
        f"{'at':>5} {'nights':>6} {'coverage':>8} {'width min':>9} {'error min':>9} {'naive error min':>15}"
    )
    for minute, into in intervals.items():
        print(
            f"{minute // 60:02}:{minute % 60:02} {len(into.held):6} {into.coverage:8.3f} "
            f"{fmean(into.widths) / MINUTE:9.1f} {fmean(into.errors) / MINUTE:9.1f} {fmean(into.naive) / MINUTE:15.1f}"
        )
    print(
        f"\n{'':>10} {'late':>4} {'warned':>6} {'false':>5} {'median min before':>17} {'at least 30 min':>15}"
    )
    for name, told in (("likely", likely), ("80 % sure", sure), ("yesterday", naive)):
        leads = told.leads or [0]
        early = sum(lead >= 30 * MINUTE for lead in told.leads)
        print(
            f"{name:>10} {len(told.leads) + told.untold:4} {len(told.leads):6} {told.false:5} "
            f"{median(leads) / MINUTE:17.0f} {early:15}"
        )
    print(
        f"\nlearning {fmean(learning) * 1000:.1f} ms a night, predicting {fmean(predicting) * 1000:.2f} ms "
        f"({len(predicting)} predictions)"
    )


if __name__ == "__main__":
    main()
