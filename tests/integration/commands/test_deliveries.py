"""``tidegate deliveries`` and ``tidegate targets`` over real databases."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from collector.cli import main
from collector.outbound.dispatcher import Dispatcher
from collector.settings import Settings
from collector.storage import outbox, rules
from collector.storage.engine import Database
from collector.times import now_us
from tests.parcels import message
from tests.receivers import HttpReceiver, answer
from triggers.documents import Row

Tidegate = Callable[..., Result]


@pytest.fixture
def tidegate(database_url: str) -> Tidegate:
    """Run a command over the database; exceptions that it does not expect come through."""

    def run(*arguments: object) -> Result:
        words = [str(word) for word in arguments]
        return CliRunner().invoke(main, [*words, "-d", database_url], catch_exceptions=False)

    return run


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def dispatcher(database: Database) -> Iterator[Dispatcher]:
    made = Dispatcher(database, "test", Settings(outbound_allow="127.0.0.0/8"))
    yield made
    made.close()


def have(database: Database, url: str) -> None:
    """Have a target, and two messages for it."""
    with database.write() as conn:
        rules.replace(conn, [Row("target", "hook", {"id": "hook", "kind": "webhook", "url": url})], now_us())
        for key in ("a", "b"):
            said = message(title=f"{key} is [red]late", group=key)
            outbox.put(conn, "hook", "notification", key, said.data(), now_us())


def test_deliveries_by_hand(tidegate: Tidegate, database: Database, dispatcher: Dispatcher) -> None:
    assert tidegate("deliveries", "list").stderr == "There are no deliveries.\n"
    with HttpReceiver(answer(400, b"no\x1b[31m"), answer(200)) as receiver:
        have(database, receiver.url)
        dispatcher.step()

        listed = tidegate("deliveries", "list", "--state", "dead").stdout.splitlines()
        assert listed[0].split() == ["id", "queued", "target", "kind", "state", "attempts", "next", "error"]
        assert len(listed) == 2
        assert "answered 400: no\N{REPLACEMENT CHARACTER}[31m" in listed[1]
        assert "larger --limit" in tidegate("deliveries", "list", "--limit", 1).stderr

        shown = tidegate("deliveries", "show", 1).stdout
        assert shown.startswith("1 to hook: dead\na is [red]late\nshop:orders is late by 1 min.\n")
        assert "refused  400" in shown
        assert (
            json.loads(tidegate("deliveries", "show", 1, "--format", "json").stdout)["tried"][0]["status"]
            == 400
        )

        assert tidegate("deliveries", "cancel", 1, 2).stdout == "1 cancelled\n"
        assert tidegate("deliveries", "retry", "--target", "hook").stdout == "1 queued\n"
        assert tidegate("deliveries", "retry", 2).stdout == "1 queued\n"
        while dispatcher.step():
            pass
    assert len(tidegate("deliveries", "list", "--state", "delivered").stdout.splitlines()) == 3


def test_targets_by_hand(tidegate: Tidegate, database: Database, dispatcher: Dispatcher) -> None:
    assert tidegate("targets", "list").stderr == "The rules have no targets.\n"
    stop = threading.Event()
    with HttpReceiver(answer(410)) as receiver:
        have(database, receiver.url)
        thread = threading.Thread(target=dispatcher.run, args=(stop,))
        thread.start()
        try:
            failed = tidegate("targets", "test", "hook")
            assert failed.exit_code == 1
            # The dispatcher, which writes its log lines there too, runs in this process.
            assert failed.stderr.splitlines()[-1] == "dead: answered 410"
            assert "disabled 2" in tidegate("targets", "list").stdout
            receiver.now(answer(200))
            assert tidegate("targets", "enable", "hook").stdout == "hook is enabled\n"
            assert tidegate("targets", "test", "hook").stdout == "delivered\n"
        finally:
            stop.set()
            thread.join()
    heading, line = tidegate("targets", "list").stdout.splitlines()
    assert heading.split() == ["target", "kind", "state", "pending", "delivered", "dead", "oldest", "reason"]
    assert line.split() == ["hook", "webhook", "0", "1", "3"]


def test_mistakes_are_told(tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    assert tidegate("deliveries", "show", 9).stderr == "Error: There is no delivery 9.\n"
    assert "Say which" in tidegate("deliveries", "retry").stderr
    assert "Say which" in tidegate("deliveries", "retry", 1, "--target", "hook").stderr
    assert tidegate("targets", "enable", "hook").stderr == "Error: There is no target hook.\n"
    assert tidegate("targets", "test", "hook").stderr == "Error: There is no target hook in the rules.\n"
    have(database, "https://hook.test/")
    assert tidegate("targets", "test", "hook", "--no-wait").stdout == "queued\n"
    monkeypatch.setattr("collector.commands.targets.MARGIN_SECONDS", 0.1)
    monkeypatch.setenv("TIDEGATE_OUTBOUND_TIMEOUT", "0.1")
    assert tidegate("targets", "test", "hook").stderr == "pending: no server has sent it yet; does one run?\n"
