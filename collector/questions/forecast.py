"""When the release that a dataset owes will come, by what its jobs did in the nights before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from collector.storage import forecasts
from collector.storage.forecasts import Forecast, Key
from collector.storage.freshness_facts import SqlFacts
from collector.storage.run_history import runs_of, upstream
from collector.storage.standings import of_datasets
from triggers.cycles import cycles_to
from triggers.evaluate import awaited_release
from triggers.forecasting import DAY, Outlook, foretell, outlook
from triggers.model import Due, EarlyWarning, Expectation
from triggers.needs import Need, need
from triggers.rules import RuleSet

ANY_TIME = EarlyWarning(DAY)
"""By what it is judged whether something will be late where nobody asked to be warned."""


class Looked(NamedTuple):
    """What is foretold, and the ids of the jobs by whose runs."""

    outlook: Outlook
    jobs: frozenset[int]


def forecast_of(conn: Connection, rules: RuleSet, dataset_id: int, now: int) -> list[Forecast]:
    """Foretell now (µs UTC) what a canonical dataset owes, for each ``due`` that is on it, by id.

    Whether anybody asked to be warned or not, and before a warning may begin or after the deadline too; ``outlook`` is
    None where no release is awaited. ``triggers.sentences.sentence(outlook.reason, timezone)`` says it. What the
    engine has announced already counts, so both say the same.
    """
    stored = {row.key: row for row in forecasts.of_datasets(conn, [dataset_id])}
    wanted = {
        (each.expectation_id, dataset_id): expectation
        for each in of_datasets(conn, [dataset_id])
        if (expectation := rules.expectations.get(each.expectation_id))
        and isinstance(expectation.condition, Due)
    }
    releases = awaited(conn, wanted, now)
    found: list[Forecast] = []
    for key, expectation in sorted(wanted.items(), key=lambda item: item[0]):
        row, release = stored.get(key, Forecast(*key)), releases[key]
        before = row.outlook if row.release == release else None
        if release is None:
            found.append(Forecast(*key))
            continue
        deadline = release + expectation.grace.late
        told = look(conn, expectation, dataset_id, release, before, now).outlook
        found.append(Forecast(*key, release, deadline, row.next_at, told))
    return found


def awaited(conn: Connection, wanted: Mapping[Key, Expectation], now: int) -> dict[Key, int | None]:
    """Give for each expectation on a dataset the first release that is not met at ``now`` (µs UTC)."""
    needs: dict[int, Need] = {}
    for (_, dataset_id), expectation in wanted.items():
        asked = need(expectation, now)
        needs[dataset_id] = needs[dataset_id].union(asked) if dataset_id in needs else asked
    facts = SqlFacts(conn).facts(needs)
    return {key: awaited_release(expectation, facts[key[1]]) for key, expectation in wanted.items()}


def look(
    conn: Connection,
    expectation: Expectation,
    dataset_id: int,
    release: int,
    before: Outlook | None,
    now: int,
) -> Looked:
    """Foretell a release of a ``due`` on a canonical dataset; ``before`` is what was told of it before."""
    condition, warning = expectation.condition, expectation.warning or ANY_TIME
    assert isinstance(condition, Due)  # noqa: S101  # others have no releases
    found = upstream(conn, dataset_id)
    cycles = cycles_to(expectation, condition, release)
    runs = runs_of(conn, found.jobs, cycles[0].begins)
    foretold = foretell(found.graph, found.dataset, runs, cycles, expectation.timezone, now)
    told = outlook(foretold, warning, release + expectation.grace.late, found.names, before, now)
    return Looked(told, frozenset(found.jobs.values()))
