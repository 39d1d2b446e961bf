"""Triggers as a user lives with them: data come, a job is started where it lives, and its events close the loop."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.acceptance.connection import Connection
from tests.acceptance.emitting import run
from tests.acceptance.hook import await_that
from tests.acceptance.server import Server, tidegate
from tests.acceptance.watching import servers, write
from tests.events import NAMESPACE
from tests.receivers import HttpReceiver, Request, answer

INPUTS = ("orders", "payments")

RULES: Mapping[str, Any] = {
    "version": 1,
    "triggers": [
        {
            "id": "build-books",
            "timezone": "UTC",
            "when": {
                "all": [{"id": name, "dataset": {"namespace": NAMESPACE, "name": name}} for name in INPUTS]
            },
            "join": {"mode": "latched", "expire": "1d"},
            "do": [
                {"id": "run", "start": "jobs", "body": {"rows": "{{ inputs.orders.rows }}"}},
                {"id": "tell", "notify": "people", "after": "run.completed", "text": "The books are there."},
                {
                    "id": "alarm",
                    "notify": "people",
                    "after": "run.failed",
                    "text": "The books are not there.",
                },
            ],
        }
    ],
}


class Works(NamedTuple):
    """A server with a trigger, the receiver that starts jobs, and the one that people read."""

    server: Server
    jobs: HttpReceiver
    people: HttpReceiver
    database_url: str

    def shows(self, *arguments: str) -> str:
        """Give what a command prints."""
        done = tidegate(*arguments, "-d", self.database_url)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def load(self, *names: str) -> None:
        """Let tables be loaded."""
        for name in names:
            run(self.server.port, f"load_{name}", writes=[name], rows=7)

    def asked(self, number: int) -> Any:
        """Wait until jobs were to be started so many times; give what was said of the last."""
        await_that(lambda: len(self.jobs.received) >= number, otherwise=lambda: self.server.output)
        return data(self.jobs.received[number - 1])

    def firings(self, state: str) -> list[Any]:
        with Connection(self.server.port) as connection:
            return connection.every("/firings", state=state)


@pytest.fixture
def works(database_url: str, tmp_path: Path) -> Iterator[Works]:
    folder = tmp_path / "rules"
    folder.mkdir()
    with (
        HttpReceiver(answer(202)) as jobs,
        HttpReceiver() as people,
        servers(database_url, folder) as (server,),
    ):
        targets = {
            "jobs": {"kind": "webhook", "url": jobs.url},
            "people": {"kind": "webhook", "url": people.url},
        }
        write(folder, "rules.yaml", {**RULES, "targets": targets})
        server.start()
        made = Works(server, jobs, people, database_url)
        with Connection(server.port) as connection:
            await_that(lambda: connection.look("/triggers")["items"])
        yield made
        server.stop()


def data(request: Request) -> Any:
    return json.loads(request.body)["data"]


def test_a_job_is_started_and_its_own_events_close_the_loop(works: Works) -> None:
    works.load("orders")
    shown = await_that(lambda: says(works.shows("triggers"), "waiting"))
    assert "payments" in shown
    assert "payments" in works.shows("why", "build-books")
    assert works.jobs.received == []

    works.load("payments")
    asked = works.asked(1)
    assert asked["body"] == {"rows": 7}
    assert works.people.received == []
    parent = asked["run"]
    assert asked["parent"] == f"{parent['namespace']}/{parent['name']}/{asked['firing']['id']}"
    started = run(works.server.port, "books", reads=INPUTS, writes=["books"], rows=3, parent=parent)
    await_that(lambda: works.people.received)
    assert [data(each)["text"] for each in works.people.received] == ["The books are there."]
    (firing,) = await_that(lambda: works.firings("completed"))

    shown = works.shows("triggers", "firing", firing["id"])
    for part in ("orders", "payments", started, "shop:books", "completed"):
        assert part in shown, (part, shown)
    assert "completed" in works.shows("triggers", "firings")
    assert "idle" in works.shows("triggers")
    assert firing["id"] in works.shows("why", "build-books")
    path = works.shows("lineage", f"dataset:{NAMESPACE}:orders", "--direction", "downstream")
    for part in ("build-books", "books"):
        assert part in path, path


def test_people_fire_pause_and_resume(works: Works) -> None:
    by = ("--by", "anna", "--reason", "storage is moved")
    works.shows("triggers", "pause", "build-books", *by)
    assert "anna" in works.shows("why", "build-books")
    works.load(*INPUTS)
    await_that(lambda: says(works.shows("triggers"), "paused"))
    assert works.jobs.received == []
    works.shows("triggers", "resume", "build-books", "--by", "anna")
    assert works.asked(1)["firing"]["cause"] == "data"

    works.load("orders")
    works.shows("triggers", "fire", "build-books", *by)
    by_hand = works.asked(2)["firing"]
    assert (by_hand["cause"], by_hand["partial"]) == ("manual", True)
    run(works.server.port, "books", error="disk full", parent=works.asked(2)["run"])
    await_that(lambda: works.people.received)
    assert [data(each)["text"] for each in works.people.received] == ["The books are not there."]
    (failed,) = await_that(lambda: works.firings("failed"))
    assert failed["id"] == by_hand["id"]
    assert "disk full" in works.shows("triggers", "firing", failed["id"])


def says(shown: str, word: str) -> str:
    """Give what a command printed if a word is in it, and nothing else."""
    return shown if word in shown else ""
