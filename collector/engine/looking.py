"""Looking at datasets: many at once, from one reading of the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from collector.storage import outcomes, standings
from collector.storage.freshness_facts import SqlFacts
from collector.storage.outcomes import Exclusion, Settled
from collector.storage.standings import Decision, Standing
from triggers.breaches import excuse
from triggers.looks import Stance, look
from triggers.model import Expectation
from triggers.needs import Need
from triggers.outcomes import Settlement, needed, settle
from triggers.watermark import Outage

FACT = "fact"
TIMER = "timer"
"""What makes us look."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A dataset before and after a look."""

    expectation: Expectation
    before: Standing
    after: Standing
    prompt: str
    settlement: Settlement | None = None

    @property
    def decided(self) -> bool:
        """Whether there is something to say that has not been said."""
        return self.after.stance.differs(self.before.stance)


def look_at(
    conn: Connection,
    expectations: Mapping[str, Expectation],
    wanted: Iterable[tuple[Standing, str]],
    seen: int,
    now: int,
    outage: Outage | None,
) -> list[Looked]:
    """Look at datasets, each given with what makes us look, as they stand at ``seen``; it is ``now`` (µs UTC)."""
    chosen = [
        (each, prompt, expectations[each.expectation_id])
        for each, prompt in wanted
        if each.expectation_id in expectations
    ]
    needs: dict[int, Need] = {}
    for standing, _, expectation in chosen:
        wants = needed(expectation, standing.stance, standing.settled_at, seen)
        known = needs.get(standing.dataset_id)
        needs[standing.dataset_id] = wants if known is None else known.union(wants)
    facts = SqlFacts(conn).facts(needs)
    found: list[Looked] = []
    for standing, prompt, expectation in chosen:
        known_facts, before = facts[standing.dataset_id], standing.stance
        stance = excuse(expectation, look(expectation, known_facts, before, seen), before, outage)
        settlement = settle(
            expectation, known_facts, standing.settled_at, seen, news=prompt == FACT, before=before
        )
        after = standing._replace(
            stance=_look_again(stance, settlement.next_at),
            settled_at=settlement.settled_at,
            changed_at=now if stance.differs(before) else standing.changed_at,
        )
        found.append(Looked(expectation, standing, after, prompt, settlement))
    return found


def _look_again(stance: Stance, at: int | None) -> Stance:
    """See to it that we look again at an instant, if not sooner."""
    verdict = stance.verdict
    if at is None or (verdict.next_look is not None and verdict.next_look <= at):
        return stance
    return replace(stance, verdict=replace(verdict, next_look=at))


def write(conn: Connection, looked: Collection[Looked], exclusion: Exclusion, now: int) -> None:
    """Keep what looking came to, in a writing transaction; ``exclusion`` says which deadlines do not count."""
    standings.write(conn, [each.after for each in looked if each.after != each.before])
    settled = [Settled(*each.after.key, each.settlement) for each in looked if each.settlement]
    outcomes.write(conn, settled, exclusion)
    standings.record(conn, [Decision(now, each.prompt, each.after) for each in looked if each.decided])
