"""Starting runs of deployments: what Prefect is asked, and what its recorded answers lead to."""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from typing import Any

import pytest

from collector.outbound import prefect
from collector.outbound.calling import Api
from collector.outbound.guard import Unreachable
from collector.outbound.http import NoAnswer
from collector.outbound.sending import Context, Kind, Outcome, Result, Unusable
from collector.redaction import hide
from tests.exchanges import ALLOWED, FIRING, KEY, Asked, asked, firing, recorded, says, send
from tests.parcels import parcel
from tests.receivers import HttpReceiver, Reply, answer, drip, drop, hang, repeat

EXCHANGES = recorded("prefect")
CREATED = EXCHANGES["create_flow_run with idempotency_key"]
AGAIN = EXCHANGES["same idempotency_key, different parameters"]
DEPLOYMENT = CREATED.body["deployment_id"]
FOUND = {"id": DEPLOYMENT, "name": "prod", "work_pool_name": None, "status": "READY"}

ACTION = {"deployment": "shop-etl/prod", "parameters": {"day": "2026-11-22"}}


def start(*replies: Reply, action: dict[str, Any] = ACTION, **options: Any) -> tuple[Outcome, list[Asked]]:
    with HttpReceiver(*replies) as server:
        target = {"url": f"http://127.0.0.1:{server.port}", **options}
        outcome = send("prefect", target, firing(action))
    return outcome, [asked(each) for each in server.received]


def test_a_run_is_asked_for_as_recorded() -> None:
    options = {"tags": ["collector"], "labels": {"rule": 7}, "name": "evt-0001"}
    outcome, (looked, created) = start(says(200, FOUND), CREATED.reply, action=ACTION | options)

    assert looked == ("GET", "/api/deployments/name/shop-etl/prod", None)
    assert (created.method, created.path) == (CREATED.asked.method, CREATED.asked.path)
    assert created.body.keys() == CREATED.asked.body.keys()
    assert created.body["idempotency_key"] == KEY
    assert created.body["parameters"] == {"day": "2026-11-22"}
    assert created.body["tags"] == ["collector", "tidegate:nightly"]
    assert created.body["labels"] == {
        "rule": "7",
        "tidegate.firing": FIRING,
        "tidegate.trigger": "nightly",
        "tidegate.key": "2026-11-22",
        "openlineage.parent_run_id": FIRING,
        "openlineage.parent_job_namespace": "tidegate",
        "openlineage.parent_job_name": "nightly",
    }
    assert (outcome.result, outcome.status, outcome.error) == (Result.DELIVERED, 201, None)
    answer = dict(outcome.answer or {})
    assert answer.pop("url").endswith(f"/runs/flow-run/{CREATED.body['id']}")
    assert answer == {"run_id": CREATED.body["id"], "duplicate": False}


def test_each_attempt_asks_the_same() -> None:
    once, again = firing(ACTION), replace(firing(ACTION), attempt=2, at=firing(ACTION).at + 60_000_000)
    assert prefect.request(once) == prefect.request(again)


def test_a_run_that_was_there_already_is_the_one() -> None:
    outcome, _ = start(says(200, FOUND), AGAIN.reply)
    assert outcome.result is Result.DELIVERED
    assert outcome.answer is not None
    assert outcome.answer["duplicate"] is True
    assert outcome.answer["run_id"] == CREATED.body["id"]


@pytest.mark.parametrize(
    ("name", "result", "said"),
    [
        ("bad parameter type (schema enforced)", Result.REFUSED, "Validation failed for field 'day'"),
        ("unknown deployment", Result.REFUSED, "Deployment not found"),
        ("event without list / resource id", Result.REFUSED, "Field required"),
        ("minimal2", Result.RETRY, "Service Unavailable"),
    ],
)
def test_other_answers(name: str, result: Result, said: str) -> None:
    outcome, _ = start(says(200, FOUND), EXCHANGES[name].reply)
    assert (outcome.result, outcome.status) == (result, EXCHANGES[name].status)
    assert said in (outcome.error or "")
    assert outcome.answer is None


def test_an_unknown_deployment_starts_nothing() -> None:
    outcome, requests = start(EXCHANGES["unknown deployment"].reply)
    assert outcome.result is Result.REFUSED
    assert outcome.error == 'deployment shop-etl/prod: answered 404: {"detail": "Deployment not found"}'
    assert len(requests) == 1


def test_workers_get_the_firing_into_the_environment_of_the_run() -> None:
    found = FOUND | {"work_pool_name": "pool"}
    outcome, (_, created) = start(says(200, found), CREATED.reply)
    assert outcome.result is Result.DELIVERED
    parent = f"tidegate/nightly/{FIRING}"
    assert created.body["job_variables"] == {"env": {"OPENLINEAGE_PARENT_ID": parent}}


def test_a_work_pool_that_takes_no_environment_runs_without() -> None:
    found = FOUND | {"work_pool_name": "pool"}
    said = {"detail": "Error creating flow run: Validation failed for field 'env'."}
    outcome, (_, first, second) = start(says(200, found), says(422, said), CREATED.reply)
    assert outcome.result is Result.DELIVERED
    assert first.body == {"job_variables": first.body["job_variables"], **second.body}


def test_a_deployment_that_nobody_runs_is_told_of() -> None:
    outcome, _ = start(says(200, FOUND | {"status": "NOT_READY"}), CREATED.reply)
    assert outcome.result is Result.DELIVERED
    assert outcome.error == "Nobody runs deployment shop-etl/prod at present: its run waits."
    assert outcome.answer is not None
    assert outcome.answer["warning"] == outcome.error


@pytest.mark.parametrize(
    ("url", "root", "ui"),
    [
        ("https://p.example.com", "https://p.example.com/api", "https://p.example.com"),
        ("https://p.example.com/api/", "https://p.example.com/api", "https://p.example.com"),
        ("https://u:pw@p.example.com/x", "https://u:pw@p.example.com/x/api", "https://p.example.com/x"),
        (
            "https://api.prefect.cloud/api/accounts/a1/workspaces/w1",
            "https://api.prefect.cloud/api/accounts/a1/workspaces/w1",
            "https://app.prefect.cloud/account/a1/workspace/w1",
        ),
    ],
)
def test_servers_are_found_however_their_address_is_written(url: str, root: str, ui: str) -> None:
    assert prefect.api_root(url) == root
    context = Context(ALLOWED, None, 1.0)  # type: ignore[arg-type]  # nothing is sent
    assert prefect.ui_root(Api.of(root, context, 0)) == ui


def test_people_find_the_run_where_the_target_says() -> None:
    outcome, _ = start(says(200, FOUND), CREATED.reply, ui_url="https://ui.example.com/")
    assert outcome.answer is not None
    assert outcome.answer["url"] == f"https://ui.example.com/runs/flow-run/{CREATED.body['id']}"


@pytest.mark.parametrize(
    ("key", "header"),
    [
        ("pnu_0123", "Bearer pnu_0123"),
        ("admin:secret", f"Basic {base64.b64encode(b'admin:secret').decode()}"),
        (None, None),
    ],
)
def test_keys_are_tokens_and_pairs_are_for_basic_authentication(key: str | None, header: str | None) -> None:
    with HttpReceiver(says(200, FOUND), CREATED.reply) as server:
        send("prefect", {"url": f"http://127.0.0.1:{server.port}/api", "key": key}, firing(ACTION))
    assert [request.headers.get("authorization") for request in server.received] == [header, header]


def test_odd_names_stay_one_segment_each() -> None:
    _, (looked, *_) = start(says(404), action={"deployment": "a b?c/ü#%2e/../x"})
    assert looked.path == "/api/deployments/name/a%20b%3Fc/%C3%BC%23%252e%2F..%2Fx"


@pytest.mark.parametrize("deployment", ["", "flow", "flow/", "/deployment"])
def test_a_deployment_has_two_names(deployment: str) -> None:
    with pytest.raises(Unusable, match="FLOW/DEPLOYMENT"):
        start(action={"deployment": deployment})


@pytest.mark.parametrize("reply", [hang, drip, drop])
def test_without_an_answer_nobody_knows_whether_it_runs(reply: Reply) -> None:
    with HttpReceiver(says(200, FOUND), reply) as server, pytest.raises(NoAnswer):
        send("prefect", {"url": f"http://127.0.0.1:{server.port}"}, firing(ACTION), timeout=0.3)


@pytest.mark.parametrize("reply", [hang, drop])
def test_a_lookup_without_an_answer_has_started_nothing(reply: Reply) -> None:
    with HttpReceiver(reply) as server, pytest.raises(Unreachable) as raised:
        send("prefect", {"url": f"http://127.0.0.1:{server.port}"}, firing(ACTION), timeout=0.3)
    assert not isinstance(raised.value, NoAnswer)


def test_all_calls_together_take_the_time_of_one() -> None:
    def late(connection: Any) -> None:
        time.sleep(0.3)
        says(200, FOUND)(connection)

    began = time.monotonic()
    with HttpReceiver(late, hang) as server, pytest.raises(NoAnswer):
        send("prefect", {"url": f"http://127.0.0.1:{server.port}"}, firing(ACTION), timeout=0.5)
    assert time.monotonic() - began < 0.75


def test_a_page_of_html_is_no_answer_of_prefect() -> None:
    login = answer(200, b"<html>Log in</html>", Content_Type="text/html")
    outcome, requests = start(login)
    assert (outcome.result, len(requests)) == (Result.REFUSED, 1)
    broken = answer(500, b"<html><h1>Oops</h1></html>", Content_Type="text/html")
    outcome, _ = start(says(200, FOUND), broken)
    assert outcome.result is Result.RETRY
    assert "Oops" in (outcome.error or "")


@pytest.mark.parametrize("key", ["pnu_5ecretKey", "admin:5ecretPair"])
def test_no_error_repeats_the_key(key: str) -> None:
    hide(key)  # as whoever reads it out of the environment does
    outcome, _ = start(repeat, key=key)
    assert outcome.result is Result.RETRY
    assert "5ecret" not in (outcome.error or "")
    assert base64.b64encode(key.encode()).decode() not in (outcome.error or "")


def test_gone_is_the_deployment_not_the_server() -> None:
    assert start(says(410))[0].result is Result.REFUSED


def test_a_server_that_wants_to_be_left_alone_is() -> None:
    outcome, _ = start(says(200, FOUND), says(429, {"detail": "slow down"}, Retry_After="7"))
    assert (outcome.result, outcome.retry_after, outcome.away) == (Result.RETRY, 7_000_000, True)


def test_a_test_starts_nothing() -> None:
    with HttpReceiver(says(200, "3.8.8")) as server:
        target = {"url": f"http://127.0.0.1:{server.port}"}
        assert send("prefect", target, parcel(kind=Kind.TEST)).result is Result.DELIVERED
        server.now(says(401, {"exception_message": "Unauthorized"}))
        assert send("prefect", target, parcel(kind=Kind.TEST)).result is Result.REFUSED
        with pytest.raises(Unusable, match="only starts work"):
            send("prefect", target, parcel())
    assert {asked(request) for request in server.received} == {("GET", "/api/admin/version", None)}
