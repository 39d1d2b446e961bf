"""Freshness as a user lives with it: rule files, events, and a receiver that hears what is wrong and why."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from tests.acceptance.connection import Connection
from tests.acceptance.emitting import complete, run
from tests.acceptance.hook import SECRETS, Hook, await_that
from tests.acceptance.server import Server, tidegate
from tests.acceptance.shared import DIALECTS
from tests.acceptance.watching import expect, expectation, rows, servers, tell
from tests.events import NAMESPACE
from tests.postgres import PostgresServer

SOON_SECONDS = 2.0
"""Within which what an event shows must have been told; it takes a tenth, on a machine that does nothing else."""

AGE_SECONDS = 3.0


class Watch(NamedTuple):
    """A server with rules, and who hears of them."""

    server: Server
    hook: Hook
    database_url: str

    @property
    def port(self) -> int:
        return self.server.port

    def shows(self, *arguments: str) -> str:
        """Give what a command prints of the server's database."""
        done = tidegate(*arguments, "-d", self.database_url)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=DIALECTS)
def watch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """Watch some tables, each for one test."""
    folder = tmp_path_factory.mktemp("rules")
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("database") / "tidegate.db"
        shutil.copyfile(cast(Path, request.getfixturevalue("sqlite_template")), path)
        url = f"sqlite:///{path}"
    else:
        postgres = cast(PostgresServer, request.getfixturevalue("shared_postgres"))
        url = postgres.create_database("freshness", request.getfixturevalue("postgres_template"))
    with Hook() as hook, servers(url, folder) as (server,):
        age = f"{AGE_SECONDS:.0f}s"
        expect(
            folder,
            rows("orders"),
            rows("parcels"),
            rows("wares"),
            expectation("prices", max_age=age),
            expectation("report", max_age=age),
            expectation("steady", max_age="1h"),
        )
        tell(folder, hook)
        server.start()
        yield Watch(server, hook, url)
        server.stop()


def test_what_an_event_shows_is_told_at_once_and_signed(watch: Watch) -> None:
    run(watch.port, "load_orders", writes=["orders"], rows=7)
    sent = time.monotonic()
    run(watch.port, "load_orders", writes=["orders"], rows=0)
    (told,) = watch.hook.await_told("orders")
    assert told.at - sent < SOON_SECONDS
    assert told.event["type"] == "io.tidegate.freshness.firing"
    assert told.event["subject"] == f"dataset:{NAMESPACE}:orders"
    (alert,) = told.data["alerts"]
    assert (alert["rule"], alert["severity"]) == ("orders", "warning")
    assert "0 rows" in alert["text"]
    run(watch.port, "load_orders", writes=["orders"], rows=9)
    over = watch.hook.await_told("orders", 2)[1]
    assert (over.kind, over.data["alerts"]) == ("resolved", [])


def test_what_does_not_come_is_told_and_that_it_came(watch: Watch) -> None:
    sent = time.monotonic()
    complete(watch.port, "prices", rows=1)
    late = watch.hook.await_told("prices")[0]
    assert AGE_SECONDS <= late.at - sent < AGE_SECONDS + SOON_SECONDS + 1
    assert late.kind == "firing"
    came = time.monotonic()
    complete(watch.port, "prices", rows=1)
    over = watch.hook.await_told("prices", 2)[1]
    assert over.kind == "resolved"
    assert over.at - came < SOON_SECONDS + 1


def test_the_run_that_failed_upstream_is_named_with_what_it_said(watch: Watch) -> None:
    run(watch.port, "load_sales", writes=["sales"])
    run(watch.port, "build_report", reads=["sales"], writes=["report"])
    run(watch.port, "load_sales", writes=["sales"], error="disk quota exceeded on /mnt/sales")
    (told,) = watch.hook.await_told("load_sales")
    (alert,) = told.data["alerts"]
    assert (alert["node"], alert["rule"]) == ("job:shop:load_sales", "failed_run")
    assert "load_sales failed" in alert["text"]
    assert "disk quota exceeded on /mnt/sales" in alert["text"]
    assert alert["affects"] == 1
    assert "load_sales → sales → build_report → report" in told.data["text"]
    # One message, at the cause; whoever looks at what it affects finds the way there.
    assert watch.hook.told("report") == []
    shown = watch.shows("why", f"dataset:{NAMESPACE}:report")
    assert "disk quota exceeded on /mnt/sales" in shown
    run(watch.port, "load_sales", writes=["sales"])
    run(watch.port, "build_report", reads=["sales"], writes=["report"])
    assert watch.hook.await_told("load_sales", 2)[1].kind == "resolved"


@pytest.mark.parametrize("watch", ["postgresql"], indirect=True)
def test_the_commands_show_it_and_people_act_on_it(watch: Watch) -> None:
    parcels = f"dataset:{NAMESPACE}:parcels"
    complete(watch.port, "steady", rows=3)
    complete(watch.port, "parcels", rows=0)
    (told,) = watch.hook.await_told("parcels")
    expected = {
        ("freshness",): f"{NAMESPACE}:steady",
        ("freshness", "--violated", "--name", "parcels"): "Only 0 rows",
        ("why", parcels): "Only 0 rows",
        ("alerts",): "parcels is not as it should be",
        ("expectations", "show", "steady"): "1 fresh",
        ("slo", "--expectation", "parcels"): "0.00 %",
        ("deliveries", "list"): "delivered",
    }
    with ThreadPoolExecutor(4) as pool:
        shown = list(pool.map(lambda words: watch.shows(*words), expected))
    for (words, part), text in zip(expected.items(), shown, strict=True):
        assert part in text, (words, text)

    with Connection(watch.port) as connection:
        (alert,) = connection.look("/alerts", node=parcels)["items"]
        assert alert["text"] == told.data["alerts"][0]["text"]
        assert alert["notified_at"]
        watch.shows("alerts", "ack", str(alert["id"]), "--by", "anna", "--note", "on it")
        taken_on = await_that(
            lambda: [each for each in watch.hook.told() if each.kind == "acknowledged"],
            otherwise=watch.hook.told,
        )
        assert (taken_on[0].data["by"], taken_on[0].data["group"]) == ("anna", told.data["group"])
        match = ["--match", "name=parcels", "--for", "1h", "--by", "anna", "--reason", "known"]
        watch.shows("silences", "add", *match)
        await_that(lambda: connection.look("/alerts", node=parcels)["items"][0]["muted_by"])


def test_nothing_shows_a_secret(watch: Watch) -> None:
    complete(watch.port, "wares", rows=0)
    watch.hook.await_told("wares")
    with Connection(watch.port) as connection:
        shown = "".join(
            connection.ask(path).body.decode()
            for path in ("/rules", "/targets", "/deliveries", "/deliveries/1")
        )
    shown += watch.server.output + watch.shows("rules", "export") + watch.shows("config")
    assert "env:HOOK_NEW" in shown
    for secret in SECRETS.values():
        assert secret.removeprefix("whsec_") not in shown
