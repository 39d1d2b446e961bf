"""The log writer on both databases: commits together, answers everybody once, survives what goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import func, select

from collector.errors import DatabaseUnavailable, QueueFull, TidegateError, Unavailable
from collector.ingest.intake import take
from collector.ingest.log import Item, LogWriter, Outcome
from collector.storage.engine import Database
from collector.storage.tables import event
from tests.benchmarks.stack import events

ROWS = [take(body, 1).row for body in events(100, jobs=10)]
SECONDS = 10


class Answers:
    """Collects what submissions hear."""

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self._changed = threading.Condition()

    def done(self, number: int) -> Callable[[Outcome], None]:
        def done(outcome: Outcome) -> None:
            with self._changed:
                assert number not in self.outcomes, "answered twice"
                self.outcomes[number] = outcome
                self._changed.notify_all()

        return done

    def wait(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.outcomes) >= number, SECONDS)


class Commits:
    """Remembers commits."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int, int]] = []

    def committed(self, events: Mapping[str, int], duplicates: int, rejected: int, seconds: float) -> None:
        assert seconds > 0
        self.sizes.append((sum(events.values()), duplicates, rejected))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def answers() -> Answers:
    return Answers()


def count(database: Database) -> int:
    with database.read() as conn:
        return conn.execute(select(func.count()).select_from(event)).scalar_one()


def giving(*items: Item) -> Callable[[], Sequence[Item]]:
    return lambda: items


class Gate:
    """Work that holds the writer up until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def work(self) -> Sequence[Item]:
        self.entered.set()
        assert self.open.wait(SECONDS)
        return ()


def test_what_waits_shares_a_commit(database: Database, answers: Answers) -> None:
    commits = Commits()
    log = LogWriter(database, queue_limit=100, observer=commits)
    gate = Gate()
    log.submit(gate.work, 0, answers.done(0))
    assert gate.entered.wait(SECONDS)
    for number, row in enumerate([*ROWS[:10], ROWS[0]], 1):
        log.submit(giving(row), row.size, answers.done(number))
    gate.open.set()
    answers.wait(12)
    assert log.close()
    assert commits.sizes == [(10, 1, 0)]
    assert [answers.outcomes[number].new for number in range(12)] == [[], *[[True]] * 10, [False]]
    assert count(database) == 10


def test_closing_finishes_what_waits_and_refuses_the_rest(database: Database, answers: Answers) -> None:
    log = LogWriter(database, queue_limit=100)
    gate = Gate()
    log.submit(gate.work, 0, answers.done(0))
    log.submit(giving(*ROWS[:5]), 0, answers.done(1))
    assert not log.close(timeout=0.05)
    with pytest.raises(Unavailable):
        log.submit(giving(ROWS[6]), 0, answers.done(2))
    gate.open.set()
    assert log.close(SECONDS)
    assert answers.outcomes[1].new == [True] * 5
    assert count(database) == 5


def test_closing_before_the_first_event_is_fine(database: Database) -> None:
    assert LogWriter(database, queue_limit=100).close()


@pytest.mark.parametrize(("size", "limit"), [(0, 3), (200_000_000, 100)])
def test_a_full_queue_refuses(database: Database, answers: Answers, size: int, limit: int) -> None:
    log = LogWriter(database, queue_limit=limit)
    gate = Gate()
    log.submit(gate.work, 0, answers.done(0))
    assert gate.entered.wait(SECONDS)
    with pytest.raises(QueueFull):  # noqa: PT012  # which of them is the first depends on the size
        for number in range(1, 10):
            log.submit(giving(ROWS[number]), size, answers.done(number))
    gate.open.set()
    log.close()
    assert len(answers.outcomes) == count(database) + 1 < 10


def test_a_request_that_cannot_be_read_harms_nobody(database: Database, answers: Answers) -> None:
    def broken() -> Sequence[Item]:
        raise RuntimeError("a mistake of ours")

    log = LogWriter(database, queue_limit=100)
    log.submit(broken, 0, answers.done(0))
    log.submit(giving(ROWS[0]), 0, answers.done(1))
    log.close()
    assert isinstance(answers.outcomes[0].error, TidegateError)
    assert answers.outcomes[1].new == [True]


def test_a_row_that_cannot_be_written_fails_alone(database: Database, answers: Answers) -> None:
    bad = ROWS[1]._replace(entity_id="text" * 1000, kind=None)  # type: ignore[arg-type]
    log = LogWriter(database, queue_limit=100)
    gate = Gate()
    log.submit(gate.work, 0, answers.done(0))
    for number, row in enumerate((ROWS[0], bad, ROWS[2]), 1):
        log.submit(giving(row), 0, answers.done(number))
    gate.open.set()
    log.close()
    assert [answers.outcomes[number].error is None for number in range(4)] == [True, True, False, True]
    assert count(database) == 2


class Outage:
    """Makes a database unreachable, and reachable again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def begin(self) -> None:
        def away(*_: Any, **__: Any) -> AbstractContextManager[Any]:
            raise DatabaseUnavailable("gone fishing")

        self._patch.setattr(Database, "write", away)
        self._patch.setattr(Database, "read", away)

    def end(self) -> None:
        self._patch.undo()


def test_a_database_that_is_away_fails_all_and_comes_back(
    database: Database, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogWriter(database, queue_limit=100)
    outage = Outage(monkeypatch)
    gate = Gate()
    log.submit(gate.work, 0, answers.done(0))
    assert gate.entered.wait(SECONDS)
    for number in range(1, 5):
        log.submit(giving(ROWS[number]), 0, answers.done(number))
    outage.begin()
    gate.open.set()
    answers.wait(5)
    errors = [answers.outcomes[number].error for number in range(1, 5)]
    assert [str(error) for error in errors] == ["gone fishing"] * 4
    with pytest.raises(DatabaseUnavailable, match="gone fishing"):
        log.submit(giving(ROWS[5]), 0, answers.done(5))
    outage.end()
    until = time.monotonic() + SECONDS
    while 6 not in answers.outcomes and time.monotonic() < until:
        try:
            log.submit(giving(ROWS[6]), 0, answers.done(6))
        except DatabaseUnavailable:
            time.sleep(0.02)
        else:
            answers.wait(6)
    assert answers.outcomes[6].new == [True]
    assert log.close()


def test_closing_while_the_database_is_away_does_not_hang(
    database: Database, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogWriter(database, queue_limit=100)
    Outage(monkeypatch).begin()
    log.submit(giving(ROWS[0]), 0, answers.done(0))
    answers.wait(1)
    assert log.close(SECONDS)


def test_many_threads_are_all_answered(database: Database, answers: Answers) -> None:
    log = LogWriter(database, queue_limit=1000)

    def submit(part: int) -> None:
        for number in range(part, 100, 8):
            log.submit(giving(ROWS[number]), 0, answers.done(number))

    threads = [threading.Thread(target=submit, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.wait(100)
    assert all(outcome.new == [True] for outcome in answers.outcomes.values())
    assert count(database) == 100
    log.close()
