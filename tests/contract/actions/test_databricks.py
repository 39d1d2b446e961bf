"""Starting runs of jobs of Databricks, by what its documentation says; there is no recording of it."""

from __future__ import annotations

from typing import Any

import pytest

from collector.outbound.http import NoAnswer
from collector.outbound.sending import Kind, Outcome, Result, Unusable
from tests.exchanges import KEY, Asked, asked, firing, says, send
from tests.parcels import parcel
from tests.receivers import HttpReceiver, Reply, drop

ACTION = {"job_id": "500123", "job_parameters": {"day": "2026-11-22", "rows": 42, "inputs": ["a"]}}


def start(*replies: Reply, action: dict[str, Any] = ACTION) -> tuple[Outcome, list[Asked]]:
    with HttpReceiver(*replies) as server:
        target = {"url": f"http://127.0.0.1:{server.port}/", "token": "dapi0123"}
        outcome = send("databricks", target, firing(action))
    assert {request.headers["authorization"] for request in server.received} == {"Bearer dapi0123"}
    return outcome, [asked(each) for each in server.received]


def test_a_run_is_asked_for_with_our_key_as_the_token() -> None:
    outcome, (created,) = start(says(200, {"run_id": 455644833, "number_in_job": 455644833}))
    assert created == (
        "POST",
        "/api/2.2/jobs/run-now",
        {
            "job_id": 500123,
            "idempotency_token": KEY,
            "job_parameters": {"day": "2026-11-22", "rows": "42", "inputs": '["a"]'},
        },
    )
    assert outcome.result is Result.DELIVERED
    answer = dict(outcome.answer or {})
    assert answer.pop("url").endswith("/jobs/500123/runs/455644833")
    assert answer == {"run_id": "455644833"}


def test_without_an_answer_it_is_asked_again_with_the_same_token() -> None:
    with HttpReceiver(drop, says(200, {"run_id": 1})) as server:
        target = {"url": f"http://127.0.0.1:{server.port}", "token": "dapi0123"}
        with pytest.raises(NoAnswer):
            send("databricks", target, firing(ACTION))
        assert send("databricks", target, firing(ACTION)).result is Result.DELIVERED
    first, second = [asked(each) for each in server.received]
    assert first == second


def error(status: int, code: str, **headers: str) -> Reply:
    return says(status, {"error_code": code, "message": f"{code} it is"}, **headers)


@pytest.mark.parametrize(
    ("reply", "result", "said"),
    [
        (error(400, "INVALID_PARAMETER_VALUE"), Result.REFUSED, "INVALID_PARAMETER_VALUE it is"),
        (error(403, "PERMISSION_DENIED"), Result.REFUSED, "PERMISSION_DENIED"),
        (error(404, "RESOURCE_DOES_NOT_EXIST"), Result.REFUSED, "RESOURCE_DOES_NOT_EXIST"),
        (error(400, "TEMPORARILY_UNAVAILABLE"), Result.RETRY, "TEMPORARILY_UNAVAILABLE"),
        (error(429, "REQUEST_LIMIT_EXCEEDED", Retry_After="3"), Result.RETRY, "REQUEST_LIMIT_EXCEEDED"),
        (error(500, "INTERNAL_ERROR"), Result.RETRY, "INTERNAL_ERROR"),
        (says(502), Result.RETRY, "502"),
        (says(200), Result.REFUSED, "without what was asked"),
    ],
)
def test_only_what_may_help_is_tried_again(reply: Reply, result: Result, said: str) -> None:
    outcome, _ = start(reply)
    assert outcome.result is result
    assert said in (outcome.error or "")


def test_the_id_of_a_job_is_a_number() -> None:
    with HttpReceiver() as server, pytest.raises(Unusable, match="is a number"):
        send("databricks", {"url": server.url, "token": "dapi0123"}, firing({"job_id": "nightly"}))
    assert server.received == []


def test_a_test_starts_nothing() -> None:
    with HttpReceiver(says(200, {"userName": "etl"})) as server:
        target = {"url": f"http://127.0.0.1:{server.port}", "token": "dapi0123"}
        assert send("databricks", target, parcel(kind=Kind.TEST)).result is Result.DELIVERED
        with pytest.raises(Unusable, match="only starts work"):
            send("databricks", target, parcel())
    assert [asked(request)[:2] for request in server.received] == [("GET", "/api/2.0/preview/scim/v2/Me")]
