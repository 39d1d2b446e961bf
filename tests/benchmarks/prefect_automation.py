"""From an event to a run on a Prefect server: by the server's own automation, and by a trigger of Tidegate.

Both start the same deployment of the same server, one at a time and in turns, on this machine. The end is the same for
both: what the server writes down as ``created`` of the flow run, by the clock that we read. The baseline is a request
to create a run, made by ourselves.

Nothing picks the runs up, so the server is told not to mark them as late: on SQLite, its default, requests fail while
it does ("database is locked").
"""

from __future__ import annotations

import http.client
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

from collector.storage import rules
from collector.storage.engine import Database
from collector.times import iso, now_us
from lineage.instants import parse_instant
from tests.benchmarks.server import Databases, running, send
from tests.events import NAMESPACE, run_event
from tests.targets.prefect_server import served
from tests.targets.programs import Api
from triggers.documents import Row

NUMBER = 40
"""Of each kind."""

WARM = 3
"""Of each kind, before those that count."""

SETTLE_SECONDS = 3
"""Until both have loaded what they follow."""

POLL_SECONDS = 0.05
"""How often we look for a run; when it was created is not taken from that."""

PATIENCE_SECONDS = 30.0
"""After that none is created any more."""

FLOW, DEPLOYMENT = "measured", "by-event"
EVENT = "openlineage.dataset.updated"
DATASET = "orders"


@dataclass
class Took:
    """How long one kind took, in µs: until the answer to what was sent, and until a run was created.

    ``lost``: how often no run was created, in ``PATIENCE_SECONDS``.
    """

    answer: list[int] = field(default_factory=list)
    since_sent: list[int] = field(default_factory=list)
    since_answer: list[int] = field(default_factory=list)
    lost: int = 0


class Tool:
    """A Prefect server with one deployment, and an automation that starts it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: list[str] = []
        flow = api.ask("POST", "/api/flows/", {"name": FLOW})["id"]
        self.deployment = api.ask("POST", "/api/deployments/", {"name": DEPLOYMENT, "flow_id": flow})["id"]
        trigger = {
            "type": "event",
            "posture": "Reactive",
            "match": {"prefect.resource.id": "openlineage.dataset.*"},
            "for_each": ["prefect.resource.id"],
            "expect": [EVENT],
            "threshold": 1,
            "within": 0,
        }
        action = {
            "type": "run-deployment",
            "source": "selected",
            "deployment_id": self.deployment,
            "parameters": {"dataset": _template("{{ event.resource.name }}")},
        }
        body = {"name": "on-update", "enabled": True, "trigger": trigger, "actions": [action]}
        api.ask("POST", "/api/automations/", body)

    def event(self) -> None:
        """Tell it that a dataset was updated."""
        resource = {
            "prefect.resource.id": f"openlineage.dataset.{NAMESPACE}/{DATASET}",
            "prefect.resource.name": DATASET,
        }
        told = {"id": str(uuid.uuid4()), "occurred": iso(now_us()), "event": EVENT, "resource": resource}
        self._api.ask("POST", "/api/events", [told])

    def run(self) -> None:
        """Have it create a run."""
        body = {"parameters": {"dataset": DATASET}, "idempotency_key": uuid.uuid4().hex}
        self._api.ask("POST", f"/api/deployments/{self.deployment}/create_flow_run", body)

    def await_run(self) -> dict[str, Any] | None:
        """Wait for the one run that was not there before; raises RuntimeError if there are more."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not (found := self._new()):
            if time.monotonic() > until:
                return None
            time.sleep(POLL_SECONDS)
        if len(found) > 1:
            raise RuntimeError(f"{len(found)} runs were created instead of one")
        (run,) = found
        self._known.append(run["id"])
        return run

    def _new(self) -> list[dict[str, Any]]:
        wanted = {"flow_runs": {"id": {"not_any_": self._known}}}
        found: list[dict[str, Any]] = self._api.ask("POST", "/api/flow_runs/filter", wanted)
        return found


def measure_prefect(places: Databases) -> None:
    """Print how long an automation of Prefect takes to create a run, and how long a trigger of Tidegate."""
    with (
        tempfile.TemporaryDirectory(prefix="tidegate-benchmark-", dir="/var/tmp") as folder,
        served(Path(folder), PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED="false") as (api, _),
        _tidegate(places.create("prefect"), api.port) as event,
    ):
        tool = Tool(api)
        time.sleep(SETTLE_SECONDS)
        kinds = {"automation": tool.event, "trigger": event, "request": tool.run}
        took = {name: Took() for name in kinds}
        for turn in range(WARM + NUMBER):
            first = turn % len(kinds)
            # None is always the first of a turn.
            for name in [*kinds, *kinds][first : first + len(kinds)]:
                _one(tool, name, kinds[name], took[name] if turn >= WARM else Took())
                # Not in step with anything that either does now and then.
                time.sleep(0.3 + (turn * 0.618) % 0.7)
    _print(took["automation"], took["trigger"], took["request"])


def _print(automation: Took, trigger: Took, request: Took) -> None:
    for what, took in (
        ("Prefect's automation, event answered to run created", automation),
        ("Tidegate's trigger, event accepted to run created there", trigger),
    ):
        print(
            f"  {what}: {_shown(took.since_answer)}; since it was sent: {_shown(took.since_sent)}; "
            f"{took.lost} of {NUMBER} created none"
        )
    print(
        f"  a bare request for a run: {_shown(request.since_sent)} until it is created; "
        f"{_shown(request.answer)} until it is answered"
    )
    theirs, ours, bare = automation.since_answer, trigger.since_answer, request.since_sent
    p50, p99 = (_at(theirs, part) / _at(ours, part) for part in (50, 99))
    print(
        f"  {NUMBER} each, in turns: the automation takes {p50:.1f} times what the trigger takes at p50, {p99:.1f} "
        f"times at p99; the trigger takes {_at(ours, 50) / _at(bare, 50):.1f} times a bare request at p50"
    )


def _one(tool: Tool, name: str, act: Callable[[], None], took: Took) -> None:
    """Do what creates one run, and note how long it took."""
    sent = now_us()
    act()
    answered = now_us()
    run = tool.await_run()
    if run is None:
        took.lost += 1
        return
    by_automation = (run["created_by"] or {}).get("type") == "AUTOMATION"
    by_trigger = f"tidegate:{FLOW}" in run["tags"]
    if (by_automation, by_trigger) != (name == "automation", name == "trigger"):
        raise RuntimeError(f"somebody else created the run {run['id']} of the {name}")
    created, _ = parse_instant(run["created"])
    took.answer.append(answered - sent)
    took.since_sent.append(created - sent)
    took.since_answer.append(created - answered)


@contextmanager
def _tidegate(url: str, port: int) -> Iterator[Callable[[], None]]:
    """Run a server with a trigger that starts the deployment; gives what sends it an event that fires it."""
    action = {
        "id": "run",
        "start": "prefect",
        "deployment": f"{FLOW}/{DEPLOYMENT}",
        "parameters": {"dataset": "{{ inputs.orders.latest.dataset.name }}"},
    }
    trigger = {
        "id": FLOW,
        "timezone": "UTC",
        "when": {"all": [{"id": "orders", "dataset": {"namespace": NAMESPACE, "name": DATASET}}]},
        "join": {"mode": "level"},
        "do": [action],
    }
    target = {"id": "prefect", "kind": "prefect", "url": f"http://127.0.0.1:{port}"}
    database = Database(url)
    with database.write() as conn:
        rules.replace(conn, [Row("target", "prefect", target), Row("trigger", FLOW, trigger)], now_us())
    database.close()
    with running(url, outbound_allow="127.0.0.1", settle=0) as own:
        connection = http.client.HTTPConnection("127.0.0.1", own)
        yield lambda: send(
            connection, run_event("COMPLETE", now_us(), run=str(uuid.uuid4()), outputs=[DATASET])
        )
        connection.close()


def _template(text: str) -> dict[str, str]:
    return {"__prefect_kind": "jinja", "template": text}


def _at(took: list[int], part: int) -> float:
    """Give a percentile in ms; p99 of so few is near to the longest."""
    return quantiles(took, n=100, method="inclusive")[part - 1] / 1e3


def _shown(took: list[int]) -> str:
    return f"p50 {_at(took, 50):.0f} ms, p99 {_at(took, 99):.0f} ms, max {max(took) / 1e3:.0f} ms"
