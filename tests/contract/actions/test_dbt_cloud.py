"""Starting runs of jobs of dbt Cloud, by what its documentation says; there is no recording of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from collector.outbound.sending import Kind, Outcome, Result, Unusable
from tests.exchanges import KEY, Asked, asked, firing, says, send
from tests.parcels import parcel
from tests.receivers import HttpReceiver, Reply

ACTION = {"job_id": 43167, "steps_override": ["dbt build --select finance"], "threads_override": 4}
HREF = "https://cloud.getdbt.com/deploy/7/projects/1/runs/901/"
STATUS = {"code": 200, "is_success": True, "user_message": "Success!", "developer_message": ""}
CREATED = says(200, {"status": STATUS, "data": {"id": 901, "href": HREF, "job_definition_id": 43167}})


NONE = says(200, {"data": []})


def start(*replies: Reply, attempt: int = 1, action: dict[str, Any] = ACTION) -> tuple[Outcome, list[Asked]]:
    with HttpReceiver(*replies) as server:
        target = {"url": f"http://127.0.0.1:{server.port}", "account": 7, "token": "dbtc_0123"}
        outcome = send("dbt_cloud", target, replace(firing(action), attempt=attempt))
    assert {request.headers["authorization"] for request in server.received} <= {"Token dbtc_0123"}
    return outcome, [asked(each) for each in server.received]


def run(id_: int, cause: str | None) -> dict[str, Any]:
    return {"id": id_, "href": f"https://dbt/{id_}", "trigger": cause and {"cause": cause}}


def test_a_run_is_asked_for_with_our_key_in_its_cause() -> None:
    outcome, (_, created) = start(NONE, CREATED)
    assert created == (
        "POST",
        "/api/v2/accounts/7/jobs/43167/run/",
        {
            "cause": f"nightly fired for 2026-11-22 [tidegate:{KEY}]",
            "steps_override": ["dbt build --select finance"],
            "threads_override": 4,
        },
    )
    assert (outcome.result, outcome.status) == (Result.DELIVERED, 200)
    assert outcome.answer == {"run_id": "901", "url": HREF, "duplicate": False}


def test_long_words_do_not_cut_off_the_key() -> None:
    _, (_, created) = start(NONE, CREATED, action=ACTION | {"cause": "why " * 200})
    assert created.body["cause"].startswith("why why")
    assert created.body["cause"].endswith(f" [tidegate:{KEY}]")
    assert len(created.body["cause"]) < 255


@pytest.mark.parametrize("attempt", [1, 2])  # what is tried again by hand begins with 1
def test_the_run_of_an_earlier_attempt_is_found_and_the_oldest_counts(attempt: int) -> None:
    runs = [
        run(903, None),
        run(902, f"again [tidegate:{KEY}]"),
        run(901, f"x [tidegate:{KEY}]"),
        run(9, "other"),
    ]
    outcome, (looked,) = start(says(200, {"data": runs}), attempt=attempt)
    assert (looked.method, looked.path) == (
        "GET",
        "/api/v2/accounts/7/runs/?job_definition_id=43167&order_by=-id&limit=100&include_related=trigger",
    )
    assert outcome.answer == {"run_id": "901", "url": "https://dbt/901", "duplicate": True}


def test_the_next_attempt_starts_what_nobody_has_started() -> None:
    outcome, requests = start(says(200, {"data": [run(9, "other")]}), CREATED, attempt=2)
    assert [request.method for request in requests] == ["GET", "POST"]
    assert outcome.answer is not None
    assert outcome.answer["duplicate"] is False


def test_nothing_is_started_while_nobody_knows_what_was() -> None:
    outcome, requests = start(says(503), attempt=2)
    assert (outcome.result, outcome.status, len(requests)) == (Result.RETRY, 503, 1)
    assert not outcome.may_have_arrived


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (says(404, {"status": {"code": 404, "user_message": "The requested resource was not found."}}), Result.REFUSED),
        (says(401), Result.REFUSED),
        (says(400), Result.REFUSED),
        (says(429, Retry_After="7"), Result.RETRY),
        (says(503), Result.RETRY),
        (says(500), Result.UNKNOWN),
        (says(504), Result.UNKNOWN),
        (says(200, {"data": None}), Result.REFUSED),
    ],
)  # fmt: skip
def test_only_what_may_help_is_tried_again(reply: Reply, result: Result) -> None:
    assert start(NONE, reply)[0].result is result


@pytest.mark.parametrize("job", [None, "", "nightly", "1/../2"])
def test_the_id_of_a_job_is_a_number(job: str | None) -> None:
    with pytest.raises(Unusable, match="is a number"):
        start(action={"job_id": job})


def test_a_test_starts_nothing() -> None:
    with HttpReceiver(says(200, {"data": {"id": 7}})) as server:
        target = {"url": f"http://127.0.0.1:{server.port}", "account": "7", "token": "dbtc_0123"}
        assert send("dbt_cloud", target, parcel(kind=Kind.TEST)).result is Result.DELIVERED
        with pytest.raises(Unusable, match="only starts work"):
            send("dbt_cloud", target, parcel())
        with pytest.raises(Unusable, match="no account"):
            send("dbt_cloud", target | {"account": None}, parcel(kind=Kind.TEST))
    assert [asked(request)[:2] for request in server.received] == [("GET", "/api/v2/accounts/7/")]
