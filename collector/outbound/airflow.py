"""Airflow 3: a firing starts a DAG run with an id of its own, or tells of an update of an asset.

Options of a target: ``url`` of the server; ``token``, or ``auth`` as ``user:password``, or ``username`` and
``password``, with which a token is asked for. Options of an action: ``dag``, with ``conf`` and ``note`` of the run; or
``asset``, the URI as Airflow shows it, with ``extra`` of the event.

The id of a DAG run follows from the firing, so a run is started once however often it is asked for, and it is known
beforehand how Airflow will speak of it. ``conf`` and ``extra`` get the firing under ``tidegate``, and under
``openlineage`` what Airflow's OpenLineage provider takes for the parent of the run. Events of assets have no ids:
before an update is told of, those that Airflow has got are looked through.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from collector.outbound.calling import Api, Reply, bearer, segment
from collector.outbound.guard import Unreachable
from collector.outbound.sending import SECOND, Context, Kind, Outcome, Parcel, Result, Unusable, option
from collector.redaction import hide
from collector.times import iso
from lineage.instants import parse_instant
from triggers.rules import Target

API: Final = "/api/v2"

LONGEST_RUN_ID: Final = 250
LONGEST_NOTE: Final = 1000

UNFIT: Final = re.compile(r"[^A-Za-z0-9_.~:+-]|(?<=\.)\.")
"""What Airflow wants in no id of a run: dots one after the other could be steps of a path."""

PAGE: Final = 100
"""Airflow gives no more at once, unless it is configured to."""

SKEW: Final = 3600 * SECOND
"""How far Airflow's clock may lag behind ours."""

REJECTED: Final = frozenset({401, 403})
"""What Airflow answers to a token that has expired, and to one of the time before its key was changed. The latter is
also what it answers if something is not allowed."""

_tokens: Final[dict[str, str]] = {}
"""By a digest of what they were asked for with. They are good for a day or so; Airflow says when one no longer is."""


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Start a DAG run or tell of an update. To test a target, ask for its DAGs."""
    root = option(target, "url").rstrip("/").removesuffix(API)
    airflow = _Airflow(Api.of(root, context, parcel.at), *_credentials(target))
    try:
        if parcel.kind is Kind.TEST:
            reply = airflow.call("GET", "/dags?limit=1")
            return Outcome(Result.DELIVERED, reply.status) if reply.ok else reply.outcome()
        if parcel.kind is not Kind.ACTION:
            raise Unusable(f"Target {target.id} only starts work; it takes no {parcel.kind.value}s.")
        action = parcel.body["action"]
        if action.get("dag"):
            return _run(airflow, parcel, action["dag"])
        if action.get("asset"):
            return _update(airflow, parcel, action["asset"])
        raise Unusable("What Airflow is to start is a dag or an asset.")
    except _Failed as failed:
        return failed.outcome


def expected(options: Mapping[str, Any], key: str, body: Mapping[str, Any]) -> str | None:
    """Say what the run that an action starts will be known by (``run.external_id``); None for an asset.

    ``options`` are those of the target, ``key`` and ``body`` what will be sent.
    """
    dag = body["action"].get("dag")
    return external_id(dag, dag_run_id(key, body)) if dag else None


def external_id(dag: str, run_id: str) -> str:
    """Name a DAG run as events of Airflow do."""
    return f"airflow:{dag}:{run_id}"


def dag_run_id(key: str, body: Mapping[str, Any]) -> str:
    """Make the id of a DAG run: for people by its beginning, and unique by its end."""
    firing = body["firing"]
    end = f"__{key[:16]}"
    beginning = f"tidegate__{firing['trigger']}__{firing['key']}"[: LONGEST_RUN_ID - len(end)]
    return UNFIT.sub("-", beginning + end)


def request(parcel: Parcel) -> dict[str, Any]:
    """Give the body that asks for a DAG run, the same at each attempt."""
    action, firing = parcel.body["action"], parcel.body["firing"]
    note = action.get("note") or f"Trigger {firing['trigger']} of Tidegate, firing {firing['id']}"
    return {
        "dag_run_id": dag_run_id(parcel.key, parcel.body),
        "logical_date": None,  # must be there; a DAG has one run at most for each other value
        "conf": _told(action.get("conf"), parcel),
        "note": note[:LONGEST_NOTE],
    }


class _Failed(Exception):
    """There is no point in going on."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class _Airflow:
    """A server, with what it lets in."""

    api: Api
    token: str | None
    user: str | None = None
    password: str | None = None

    def call(self, method: str, path: str, body: object = None) -> Reply:
        """Call with a token, and once more if the one that was kept may no longer be good; raises ``_Failed``."""
        kept = None if self.token else _tokens.get(self._mark())
        reply = self._call(self.token or kept or self._renew(), method, path, body)
        if kept and reply.status in REJECTED:
            reply = self._call(self._renew(), method, path, body)
        if reply.status == 401:
            raise _Failed(reply.outcome("Airflow does not accept the credentials of the target: "))
        return reply

    def pages(self, path: str, items: str, **query: object) -> Iterator[Mapping[str, Any]]:
        """Give the items of a list, page by page; raises ``_Failed``."""
        offset, total = 0, 1
        while offset < total:
            asked = urlencode({**query, "limit": PAGE, "offset": offset})
            reply = self.call("GET", f"{path}?{asked}")
            found = reply.said.get(items)
            if not (reply.ok and isinstance(found, list)):
                raise _Failed(reply.outcome(f"{items}: "))
            yield from found
            offset += len(found)
            total = reply.said.get("total_entries", 0) if found else 0

    def _call(self, token: str, method: str, path: str, body: object) -> Reply:
        return self.api.authorized(bearer(token)).call(method, f"{API}{path}", body)

    def _renew(self) -> str:
        credentials = {"username": self.user, "password": self.password}
        reply = self.api.call("POST", "/auth/token", credentials, reads=True)
        token = reply.said.get("access_token")
        if not (reply.ok and isinstance(token, str)):
            raise _Failed(reply.outcome("Airflow gave no token: "))
        hide(token)
        _tokens[self._mark()] = token
        return token

    def _mark(self) -> str:
        return hashlib.sha256(f"{self.api.root}\0{self.user}\0{self.password}".encode()).hexdigest()


def _credentials(target: Target) -> tuple[str | None, str | None, str | None]:
    """Give the token, or the user and the password; raises ``Unusable``."""
    if token := target.options.get("token"):
        return token, None, None
    if pair := target.options.get("auth"):
        user, colon, password = pair.partition(":")
        if not colon:
            raise Unusable(f"The auth of target {target.id} is not USER:PASSWORD.")
        return None, user, password
    return None, option(target, "username"), option(target, "password")


def _run(airflow: _Airflow, parcel: Parcel, dag: str) -> Outcome:
    """Start a DAG run."""
    asked = request(parcel)
    run_id = asked["dag_run_id"]
    path = f"/dags/{segment(dag)}"
    reply = airflow.call("POST", f"{path}/dagRuns", asked)
    duplicate = reply.status == 409
    if duplicate:
        # A clash on anything else is answered with the same words.
        clash, reply = reply, airflow.call("GET", f"{path}/dagRuns/{segment(run_id)}")
        if reply.status == 404:
            return clash.outcome(f"DAG {dag} has no run {run_id}, but one that clashes with it: ")
    if not (reply.ok and reply.said.get("dag_run_id")):
        return reply.outcome(f"DAG {dag}: ")
    answer = {
        "external_id": external_id(dag, run_id),
        "dag_run_id": run_id,
        "url": airflow.api.link(f"/dags/{segment(dag)}/runs/{segment(run_id)}"),
        "duplicate": duplicate,
    }
    warning = _paused(airflow, path, dag)
    return Outcome(
        Result.DELIVERED, reply.status, warning, answer=answer | ({"warning": warning} if warning else {})
    )


def _paused(airflow: _Airflow, path: str, dag: str) -> str | None:
    """Say so if a run that was started will not begin. That it is started is not at stake any more."""
    try:
        paused = airflow.call("GET", path).said.get("is_paused")
    except (_Failed, Unreachable):
        return None
    return f"DAG {dag} is paused: its run stays queued." if paused else None


def _update(airflow: _Airflow, parcel: Parcel, uri: str) -> Outcome:
    """Tell of an update of an asset."""
    found = airflow.pages("/assets", "assets", uri_pattern=uri, order_by="id")
    asset = next((each["id"] for each in found if each.get("uri") == uri), None)
    if asset is None:
        return Outcome(Result.REFUSED, error=f"Airflow has no asset {uri}.")
    # Before the first attempt as well: what is tried again by hand counts its attempts anew.
    event, status = _seen(airflow, parcel, asset), None
    duplicate = event is not None
    if not duplicate:
        extra = _told(parcel.body["action"].get("extra"), parcel)
        reply = airflow.call("POST", "/assets/events", {"asset_id": asset, "extra": extra})
        event, status = reply.said.get("id"), reply.status
        if not (reply.ok and event is not None):
            return reply.outcome(f"asset {uri}: ", repeatable=False)
    answer = {"asset_event": event, "url": airflow.api.link(f"/assets/{asset}"), "duplicate": duplicate}
    return Outcome(Result.DELIVERED, status, answer=answer)


def _seen(airflow: _Airflow, parcel: Parcel, asset: int) -> Any:
    """Give the id of the event that an attempt before this has left; None if there is none."""
    fired, _ = parse_instant(parcel.body["firing"]["at"])
    events = airflow.pages(
        "/assets/events",
        "asset_events",
        asset_id=asset,
        order_by="-timestamp",
        timestamp_gte=iso(fired - SKEW),
    )
    ours = _told(None, parcel)["tidegate"]
    return next((event["id"] for event in events if (event.get("extra") or {}).get("tidegate") == ours), None)


def _told(given: Mapping[str, Any] | None, parcel: Parcel) -> dict[str, Any]:
    """Add to what users pass on who started it: the same words for runs and for events."""
    firing, run = parcel.body["firing"], parcel.body["run"]
    given = given or {}
    own = given.get("openlineage")
    return {
        **given,
        "tidegate": {
            "firing": firing["id"],
            "trigger": firing["trigger"],
            "key": firing["key"],
            "delivery": parcel.key,
        },
        "openlineage": {
            **(own if isinstance(own, Mapping) else {}),
            "parentRunId": run["id"],
            "parentJobNamespace": run["namespace"],
            "parentJobName": run["name"],
            "rootParentRunId": run["id"],
            "rootParentJobNamespace": run["namespace"],
            "rootParentJobName": run["name"],
        },
    }
