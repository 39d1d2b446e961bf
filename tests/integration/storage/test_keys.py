"""Keys in the database, and how soon a server knows of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collector.auth import ANYBODY, Authenticator, Principal
from collector.errors import Unauthorized
from collector.storage import keys
from collector.storage.engine import Database


class Clock:
    """A monotonic clock that moves when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def create(database: Database, *scopes: str, namespaces: tuple[str, ...] = ()) -> tuple[str, keys.StoredKey]:
    with database.write() as conn:
        return keys.create(conn, "a key", scopes, namespaces, now=5)


def test_a_key_is_stored_as_a_hash_only(database: Database) -> None:
    text, made = create(database, "ingest", "read", namespaces=("a*", "ü"))
    with database.read() as conn:
        (stored,) = keys.every(conn)
    assert stored == made
    assert (stored.name, stored.scopes, stored.namespaces) == ("a key", ("ingest", "read"), ("a*", "ü"))
    assert (stored.created_at, stored.revoked_at) == (5, None)
    assert text.startswith(f"tg_{stored.prefix}_")
    assert stored.hash == keys.digest(text)
    assert text.rpartition("_")[2] not in repr(stored)


def test_a_key_is_revoked_once_and_for_good(database: Database) -> None:
    _, made = create(database, "read")
    with database.write() as conn:
        assert keys.revoke(conn, "no-such", now=6) is None
        first = keys.revoke(conn, made.prefix, now=7)
        again = keys.revoke(conn, made.prefix, now=8)
    assert first is not None
    assert first.revoked_at == 7
    assert again == first


def test_without_keys_everybody_may_do_everything(database: Database) -> None:
    authenticator = Authenticator(database)
    assert authenticator.authenticate({}) is ANYBODY
    assert authenticator.authenticate({"x-api-key": "whatever"}) is ANYBODY


def test_a_key_lets_in_its_owner_and_nobody_else(database: Database) -> None:
    text, made = create(database, "operate", namespaces=("postgres://*",))
    authenticator = Authenticator(database)
    found = authenticator.authenticate({"authorization": f"Bearer {text}"})
    assert found == Principal("a key", frozenset({"operate", "read"}), ("postgres://*",))
    wrong = [
        text[:-1],
        text + "x",
        text.upper(),
        f"tg_{made.prefix}_x",
        f"tg_{made.prefix}_",
        "tg",
        "",
        "x",
        "\udc80",
    ]
    for key in wrong:
        with pytest.raises(Unauthorized):
            authenticator.authenticate({"x-api-key": key})


def test_a_revoked_key_stops_within_the_time_of_the_cache_and_opens_nothing(database: Database) -> None:
    clock = Clock()
    authenticator = Authenticator(database, 5.0, clock)
    text, made = create(database, "read")
    assert authenticator.authenticate({"x-api-key": text}).name == "a key"
    with database.write() as conn:
        keys.revoke(conn, made.prefix, now=9)
    clock.now += 4.9
    authenticator.authenticate({"x-api-key": text})
    clock.now += 0.1
    with pytest.raises(Unauthorized):
        authenticator.authenticate({"x-api-key": text})
    with pytest.raises(Unauthorized):
        authenticator.authenticate({})


def test_a_key_just_made_works_almost_at_once(database: Database) -> None:
    clock = Clock()
    authenticator = Authenticator(database, 5.0, clock)
    create(database, "read")
    with pytest.raises(Unauthorized):
        authenticator.authenticate({"x-api-key": "tg_unknown_key"})
    text, _ = create(database, "ingest")
    with pytest.raises(Unauthorized):
        authenticator.authenticate({"x-api-key": text})
    clock.now += 0.5
    assert authenticator.authenticate({"x-api-key": text}).allows("ingest")


def test_an_event_loop_is_told_in_time_to_refresh(database: Database) -> None:
    clock = Clock()
    authenticator = Authenticator(database, 5.0, clock)
    assert authenticator.due()
    authenticator.refresh()
    clock.now += 2.4
    assert not authenticator.due()
    clock.now += 0.1
    assert authenticator.due()
