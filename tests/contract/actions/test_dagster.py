"""Starting runs of jobs: what Dagster is asked, and what its recorded answers lead to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from collector.outbound.http import NoAnswer
from collector.outbound.sending import Kind, Outcome, Result, Unusable
from tests.exchanges import FIRING, KEY, Exchange, asked, firing, recorded, says, send
from tests.parcels import parcel
from tests.receivers import HttpReceiver, Reply, Request, answer, drop

EXCHANGES = recorded("dagster")
LAUNCHED = EXCHANGES["launchRun, no runId, same dagster/run_key tag"]
FOUND = EXCHANGES["find a run by tag (the only way to dedupe)"]
RUN = LAUNCHED.body["data"]["launchRun"]["run"]["runId"]
NONE = says(200, {"data": {"runsOrError": {"__typename": "Runs", "results": []}}})

PLACE = {"repository": "__repository__", "location": "defs.py"}
ACTION = {"job": "react_job", **PLACE}


def start(*replies: Reply, action: dict[str, Any] = ACTION, **options: Any) -> tuple[Outcome, list[Request]]:
    with HttpReceiver(*replies) as server:
        target = {"url": f"http://127.0.0.1:{server.port}", **options}
        outcome = send("dagster", target, firing(action))
    return outcome, server.received


def params(request: Request) -> dict[str, Any]:
    return dict(asked(request).body["variables"]["params"])


def tags(request: Request) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in params(request)["executionMetadata"]["tags"]}


def entry(
    name: str, *repositories: tuple[str, list[str]], status: str = "LOADED", error: str | None = None
) -> dict[str, Any]:
    loaded: dict[str, Any] = {
        "__typename": "RepositoryLocation",
        "repositories": [
            {"name": repository, "jobs": [{"name": job} for job in jobs]} for repository, jobs in repositories
        ],
    }
    if error:
        loaded = {"__typename": "PythonError", "message": error}
    return {"name": name, "loadStatus": status, "locationOrLoadError": loaded}


def workspace(*entries: dict[str, Any]) -> Reply:
    return says(200, {"data": {"workspaceOrError": {"__typename": "Workspace", "locationEntries": entries}}})


def test_a_run_is_asked_for_as_recorded() -> None:
    action = ACTION | {"run_config": {"ops": {}}, "tags": {"team": "shop", "n": 3}, "partition": "2026-11-20"}
    outcome, (looked, launched) = start(NONE, LAUNCHED.reply, action=action)

    assert asked(looked).body["variables"] == {"key": KEY}
    assert 'tags: [{key: "tidegate/key", value: $key}]' in asked(looked).body["query"]
    assert (launched.method, launched.path) == (LAUNCHED.asked.method, LAUNCHED.asked.path)
    recorded_params = LAUNCHED.asked.body["variables"]["p"]
    assert params(launched).keys() == recorded_params.keys()
    assert params(launched)["selector"] == recorded_params["selector"]
    assert params(launched)["mode"] == recorded_params["mode"]
    assert params(launched)["runConfigData"] == {"ops": {}}
    assert tags(launched) == {
        "team": "shop",
        "n": "3",
        "dagster/partition": "2026-11-20",
        "tidegate/key": KEY,
        "tidegate/firing": FIRING,
        "tidegate/trigger": "nightly",
        "tidegate/parent": f"tidegate/nightly/{FIRING}",
    }
    assert (outcome.result, outcome.status) == (Result.DELIVERED, 200)
    given = dict(outcome.answer or {})
    assert given.pop("url").endswith(f"/runs/{RUN}")
    assert given == {"run_id": RUN, "duplicate": False}


def test_a_run_that_is_there_already_is_the_one_and_the_oldest_of_several_counts() -> None:
    outcome, requests = start(FOUND.reply)
    assert len(requests) == 1
    assert outcome.result is Result.DELIVERED
    assert outcome.answer is not None
    # Two were started with this tag; the transcript tells which came first.
    assert (outcome.answer["run_id"], outcome.answer["duplicate"]) == (RUN, True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "launchRun unknown job",
            "PipelineNotFoundError: Could not find Pipeline defs.py.__repository__.nope",
        ),
        ("launchRun bad config", 'RunConfigValidationInvalid: Received unexpected config entry "nope"'),
        ("launchRun, own runId", "Field 'runId' is not defined"),
        ("launchRun runId not a UUID", "Field 'runId' is not defined"),
    ],
)
def test_what_can_never_run_is_refused_also_if_the_status_is_500(name: str, said: str) -> None:
    exchange: Exchange = EXCHANGES[name]
    outcome, _ = start(NONE, exchange.reply)
    assert (outcome.result, outcome.status) == (Result.REFUSED, exchange.status)
    assert said in (outcome.error or "")


def launch(typename: str, **fields: Any) -> Reply:
    return says(200, {"data": {"launchRun": {"__typename": typename, **fields}}})


@pytest.mark.parametrize(
    ("reply", "result", "said"),
    [
        (launch("UnauthorizedError", message="no permission"), Result.REFUSED, "no permission"),
        (launch("RunConflict", message="taken"), Result.REFUSED, "RunConflict: taken"),
        (launch("InvalidStepError", invalidStepKey="x"), Result.REFUSED, "InvalidStepError: x"),
        (launch("SomethingNew"), Result.REFUSED, "SomethingNew"),
        (launch("PythonError", message="grpc: unavailable"), Result.UNKNOWN, "grpc: unavailable"),
        (says(500), Result.UNKNOWN, "500"),
        (says(502), Result.UNKNOWN, "502"),
        (says(503), Result.RETRY, "503"),
        (says(401), Result.REFUSED, "401"),
        (
            says(500, {"data": None, "errors": [{"message": "boom", "path": ["launchRun"]}]}),
            Result.UNKNOWN,
            "boom",
        ),
        (answer(200, b"<html>Log in</html>"), Result.REFUSED, "without what was asked"),
    ],
)
def test_what_may_have_started_is_unknown_and_the_rest_is_not(
    reply: Reply, result: Result, said: str
) -> None:
    outcome, _ = start(NONE, reply)
    assert outcome.result is result
    assert said in (outcome.error or "")


def test_after_an_unknown_outcome_the_look_up_decides() -> None:
    started: list[str] = []

    def lose(connection: Any) -> None:
        started.append(tags(connection.request)["tidegate/key"])
        drop(connection)

    def look(connection: Any) -> None:
        key = asked(connection.request).body["variables"]["key"]
        results = [{"runId": RUN, "status": "STARTED"}] if key in started else []
        says(200, {"data": {"runsOrError": {"__typename": "Runs", "results": results}}})(connection)

    with HttpReceiver(look, lose, look) as server:
        target = {"url": f"http://127.0.0.1:{server.port}"}
        with pytest.raises(NoAnswer):
            send("dagster", target, firing(ACTION))
        outcome = send("dagster", target, replace(firing(ACTION), attempt=2))
    assert started == [KEY]
    assert outcome.answer is not None
    assert (outcome.answer["run_id"], outcome.answer["duplicate"]) == (RUN, True)


@pytest.mark.parametrize(
    "reply",
    [
        says(500),
        says(503),
        says(200, {"data": {"runsOrError": {"__typename": "PythonError", "message": "database is away"}}}),
        says(500, {"data": None, "errors": [{"message": "boom", "path": ["runsOrError"]}]}),
    ],
)
def test_nothing_is_started_while_nobody_knows_what_was(reply: Reply) -> None:
    outcome, requests = start(reply)
    assert (outcome.result, len(requests)) == (Result.RETRY, 1)
    assert not outcome.may_have_arrived


def test_the_place_of_a_job_is_found() -> None:
    found = workspace(
        entry("etl", ("main", ["load"])), entry("shop", ("a", ["other"]), ("__repository__", ["react_job"]))
    )
    outcome, (_, _, launched) = start(NONE, found, LAUNCHED.reply, action={"job": "react_job"})
    assert outcome.result is Result.DELIVERED
    assert params(launched)["selector"] == {
        "repositoryLocationName": "shop",
        "repositoryName": "__repository__",
        "jobName": "react_job",
    }


def test_a_job_that_several_have_is_refused_with_all_of_them() -> None:
    both = workspace(entry("blue", ("r", ["react_job"])), entry("green", ("r", ["react_job"]), ("s", [])))
    outcome, _ = start(NONE, both, action={"job": "react_job"})
    assert outcome.result is Result.REFUSED
    assert "r in blue, r in green" in (outcome.error or "")
    outcome, requests = start(NONE, both, LAUNCHED.reply, action={"job": "react_job", "location": "green"})
    assert params(requests[2])["selector"]["repositoryLocationName"] == "green"
    assert outcome.result is Result.DELIVERED


def test_a_job_that_nobody_has_may_come_with_a_location_that_is_not_loaded() -> None:
    outcome, _ = start(NONE, workspace(entry("etl", ("main", ["load"]))), action={"job": "react_job"})
    assert outcome.result is Result.REFUSED
    loading = workspace(entry("etl", ("main", ["load"])), entry("shop", status="LOADING"))
    outcome, _ = start(NONE, loading, action={"job": "react_job"})
    assert (outcome.result, outcome.error) == (
        Result.RETRY,
        "no location has a job react_job; not loaded: shop",
    )
    broken = workspace(entry("shop", error="No module named shop"))
    assert start(NONE, broken, action={"job": "react_job"})[0].result is Result.RETRY


def test_a_job_may_be_a_node_of_the_graph() -> None:
    _, (_, launched) = start(
        NONE, LAUNCHED.reply, action={"job": {"namespace": "dagster", "name": "nightly"}, **PLACE}
    )
    assert params(launched)["selector"]["jobName"] == "nightly"
    with pytest.raises(Unusable, match="names no job"):
        start(NONE, action={"job": ""})


def test_a_token_goes_along() -> None:
    _, requests = start(NONE, LAUNCHED.reply, token="user:0123")
    assert {request.headers["authorization"] for request in requests} == {"Bearer user:0123"}


def test_a_test_starts_nothing() -> None:
    with HttpReceiver(says(200, {"data": {"version": "1.13.27"}})) as server:
        target = {"url": f"http://127.0.0.1:{server.port}/graphql"}
        assert send("dagster", target, parcel(kind=Kind.TEST)).result is Result.DELIVERED
        with pytest.raises(Unusable, match="only starts work"):
            send("dagster", target, parcel())
    assert [(request.path, asked(request).body["query"]) for request in server.received] == [
        ("/graphql", "query Version { version }")
    ]
