"""A stand for the engine: real databases, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from collector.storage.engine import Database
from tests.stand import Stand

MakeStand = Callable[..., Stand]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Give a migrated, empty database."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def stand(database: Database) -> MakeStand:
    """Make a stand at a time: ``stand("2026-11-22T06:00Z", settle=…)``."""

    def make(now: str = "2026-11-22T06:00Z", **options: int) -> Stand:
        return Stand(database, now, **options)

    return make
