"""Starting DAG runs and telling of assets: what Airflow is asked, and what its recorded answers lead to."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from collector.outbound import airflow
from collector.outbound.guard import Unreachable
from collector.outbound.http import NoAnswer
from collector.outbound.senders import EXPECTED
from collector.outbound.sending import Kind, Outcome, Parcel, Result, Unusable
from collector.redaction import hide
from lineage.facets import external_id
from tests.exchanges import FIRING, KEY, Asked, asked, firing, recorded, says, send
from tests.parcels import parcel
from tests.receivers import HttpReceiver, Reply, answer, drop, hang, repeat

EXCHANGES = recorded("airflow")
STARTED = EXCHANGES["trigger, own dag_run_id"]
CLASH = EXCHANGES["same dag_run_id again"]
THERE = EXCHANGES["get run"]
LISTED = EXCHANGES["list assets"]
TOLD = EXCHANGES["asset event"]

ACTION = {"dag": "shop_etl", "conf": {"event_id": "evt-0001"}, "note": "triggered by collector"}
ASSET = {"asset": "x-ping://collector/ping", "extra": {"event_id": "evt-100"}}
RUN = f"tidegate__nightly__2026-11-22__{KEY[:16]}"
TOKEN = {"token": "t0ken"}

PARENT = {
    "parentRunId": FIRING,
    "parentJobNamespace": "tidegate",
    "parentJobName": "nightly",
    "rootParentRunId": FIRING,
    "rootParentJobNamespace": "tidegate",
    "rootParentJobName": "nightly",
}
WHO = {"firing": FIRING, "trigger": "nightly", "key": "2026-11-22", "delivery": KEY}

INVALID = {"detail": "Invalid JWT token"}
"""With this, Airflow 3.3.2 answers 403 to a token that it has not signed."""

PATH = "/api/v2/dags/shop_etl"


def ran(run_id: str = RUN) -> Reply:
    """Answer as recorded, of the run that was asked for."""
    return says(STARTED.status, STARTED.body | {"dag_run_id": run_id})


def is_paused(paused: bool = False) -> Reply:
    return says(200, {"dag_id": "shop_etl", "is_paused": paused})


def access(token: str) -> Reply:
    return says(201, {"access_token": token})


def start(
    *replies: Reply, action: dict[str, Any] = ACTION, said: Parcel | None = None, **options: Any
) -> tuple[Outcome, list[Asked]]:
    with HttpReceiver(*replies) as server:
        target = {"url": f"http://127.0.0.1:{server.port}", **(options or TOKEN)}
        outcome = send("airflow", target, said or firing(action))
    return outcome, [asked(each) for each in server.received]


def pair() -> dict[str, Any]:
    """Give a user who has no token yet, whatever server has been at the same port."""
    return {"auth": f"admin:{uuid4().hex}:s"}


def test_a_run_is_asked_for_as_recorded() -> None:
    outcome, (posted, looked) = start(ran(), is_paused())

    assert (posted.method, posted.path) == (STARTED.asked.method, STARTED.asked.path)
    assert posted.body.keys() == STARTED.asked.body.keys()
    assert posted.body == {
        "dag_run_id": RUN,
        "logical_date": None,
        "conf": {"event_id": "evt-0001", "tidegate": WHO, "openlineage": PARENT},
        "note": "triggered by collector",
    }
    assert looked == ("GET", PATH, None)
    assert (outcome.result, outcome.status, outcome.error) == (Result.DELIVERED, 200, None)
    told = dict(outcome.answer or {})
    assert told.pop("url").endswith(f"/dags/shop_etl/runs/{RUN}")
    assert told == {"external_id": f"airflow:shop_etl:{RUN}", "dag_run_id": RUN, "duplicate": False}


def test_each_attempt_asks_for_the_same_run() -> None:
    once, again = firing(ACTION), replace(firing(ACTION), attempt=2, at=firing(ACTION).at + 60_000_000)
    assert airflow.request(once) == airflow.request(again)


def test_a_run_says_by_itself_who_asked_for_it() -> None:
    own = {"openlineage": {"tags": {"a": "b"}, "parentRunId": "mine"}, "tidegate": 1}
    asked_for = airflow.request(firing({"dag": "d", "conf": own}))
    assert asked_for["conf"] == {"openlineage": {"tags": {"a": "b"}, **PARENT}, "tidegate": WHO}
    assert asked_for["note"] == f"Trigger nightly of Tidegate, firing {FIRING}"


def test_what_a_run_will_be_known_by_is_known_before() -> None:
    """It is what is read out of the events that Airflow sends."""
    body = firing(ACTION).body
    expected = EXPECTED["airflow"]({}, KEY, body)
    events = {"airflowDagRun": {"dagRun": {"dag_id": "shop_etl", "run_id": airflow.dag_run_id(KEY, body)}}}
    assert expected == external_id(events) == f"airflow:shop_etl:{RUN}"
    assert EXPECTED["airflow"]({}, KEY, firing(ASSET).body) is None


@pytest.mark.parametrize(
    ("trigger", "key", "run"),
    [
        ("a b/c", "snow&co|2026-11-22T05:00:00+00:00", "tidegate__a-b-c__snow-co-2026-11-22T05:00:00+00:00"),
        ("ü", "../../x", "tidegate__-__.-/.-/x".replace("/", "-")),
        ("x" * 300, "k" * 300, None),
        ("x", "k" * 221, None),
        ("x", "", "tidegate__x__"),
    ],
)
def test_airflow_takes_the_id_of_any_run(trigger: str, key: str, run: str | None) -> None:
    made = airflow.dag_run_id(KEY, firing(ACTION, trigger=trigger, key=key).body)
    assert re.fullmatch(r"[A-Za-z0-9_.~:+-]{1,250}", made)
    assert ".." not in made
    assert made.endswith(f"__{KEY[:16]}")
    assert run is None or made == f"{run}__{KEY[:16]}"


def test_a_run_that_is_there_already_is_the_one() -> None:
    outcome, (_, looked, _) = start(CLASH.reply, THERE.reply, is_paused())
    assert looked == ("GET", f"{PATH}/dagRuns/{RUN}", None)
    assert (outcome.result, outcome.status) == (Result.DELIVERED, 200)
    assert outcome.answer is not None
    assert outcome.answer["duplicate"] is True
    assert outcome.answer["external_id"] == f"airflow:shop_etl:{RUN}"


def test_a_clash_with_another_run_is_refused() -> None:
    clash = EXCHANGES["same logical_date, other dag_run_id"]
    outcome, _ = start(clash.reply, EXCHANGES["unknown dag"].reply)
    assert (outcome.result, outcome.status, outcome.answer) == (Result.REFUSED, 409, None)
    assert "clashes" in (outcome.error or "")


def test_whether_a_run_is_there_is_asked_again_if_nobody_says() -> None:
    assert start(CLASH.reply, says(503))[0].result is Result.RETRY
    with HttpReceiver(CLASH.reply, hang) as server, pytest.raises(Unreachable) as raised:
        send("airflow", {"url": f"http://127.0.0.1:{server.port}", **TOKEN}, firing(ACTION), timeout=0.3)
    assert not isinstance(raised.value, NoAnswer)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unknown dag", "Dag with dag_id: 'nope' not found"),
        ("without logical_date field", "Field required"),
        ("unknown body field", "Extra inputs are not permitted"),
        ("dag_run_id with odd characters", "does not match regex"),
        ("bad token", "Airflow does not accept the credentials of the target"),
    ],
)
def test_other_answers_are_final(name: str, said: str) -> None:
    outcome, requests = start(EXCHANGES[name].reply)
    assert (outcome.result, outcome.status) == (Result.REFUSED, EXCHANGES[name].status)
    assert said in (outcome.error or "")
    assert (outcome.answer, len(requests)) == (None, 1)


def test_what_the_user_may_not_do_is_refused() -> None:
    outcome, _ = start(says(403, {"detail": "Forbidden"}))
    assert (outcome.result, outcome.error) == (
        Result.REFUSED,
        'DAG shop_etl: answered 403: {"detail": "Forbidden"}',
    )


def test_a_broken_server_is_asked_again_for_the_same_run() -> None:
    broken = answer(500, b"<html><h1>Oops</h1></html>", Content_Type="text/html")
    outcome, _ = start(broken)
    assert outcome.result is Result.RETRY
    assert "Oops" in (outcome.error or "")
    assert start(answer(200, b"<html>Log in</html>"))[0].result is Result.REFUSED


@pytest.mark.parametrize("reply", [hang, drop])
def test_without_an_answer_nobody_knows_whether_it_runs(reply: Reply) -> None:
    with HttpReceiver(reply) as server, pytest.raises(NoAnswer):
        send("airflow", {"url": f"http://127.0.0.1:{server.port}", **TOKEN}, firing(ACTION), timeout=0.3)


def test_a_paused_dag_is_told_of() -> None:
    outcome, _ = start(ran(), is_paused(True))
    assert outcome.result is Result.DELIVERED
    assert outcome.error == "DAG shop_etl is paused: its run stays queued."
    assert outcome.answer is not None
    assert outcome.answer["warning"] == outcome.error


@pytest.mark.parametrize("reply", [drop, says(403), says(500), says(401)])
def test_a_run_is_started_even_if_nobody_says_whether_it_will_begin(reply: Reply) -> None:
    outcome, _ = start(ran(), reply)
    assert (outcome.result, outcome.error) == (Result.DELIVERED, None)
    assert outcome.answer is not None
    assert "warning" not in outcome.answer


@pytest.mark.parametrize("rejected", [says(401, {"detail": "Token Expired"}), says(403, INVALID)])
def test_a_token_is_asked_for_once_until_it_is_no_longer_good(rejected: Reply) -> None:
    with HttpReceiver(access("f1rst"), ran(), is_paused(), ran(), is_paused()) as server:
        target = {"url": f"http://127.0.0.1:{server.port}/api/v2/", **pair()}
        for _ in range(2):
            assert send("airflow", target, firing(ACTION)).result is Result.DELIVERED
        server.now(rejected, access("s3cond"), ran(), is_paused())
        assert send("airflow", target, firing(ACTION)).result is Result.DELIVERED
    seen = [(request.path, request.headers.get("authorization")) for request in server.received]
    run = f"{PATH}/dagRuns"
    assert seen == [
        ("/auth/token", None),
        *[(run, "Bearer f1rst"), (PATH, "Bearer f1rst")] * 2,
        *[(run, "Bearer f1rst"), ("/auth/token", None), (run, "Bearer s3cond"), (PATH, "Bearer s3cond")],
    ]
    user, _, password = target["auth"].partition(":")
    assert json.loads(server.received[0].body) == {"username": user, "password": password}


@pytest.mark.parametrize("rejected", [EXCHANGES["bad token"].reply, says(403, INVALID)])
def test_a_new_token_that_is_not_accepted_is_the_end(rejected: Reply) -> None:
    outcome, requests = start(access("f1rst"), rejected, **pair())
    assert (outcome.result, len(requests)) == (Result.REFUSED, 2)


@pytest.mark.parametrize(
    ("reply", "result"),
    [(says(401, {"detail": "Invalid credentials"}), Result.REFUSED), (says(503), Result.RETRY)],
)
def test_without_a_token_nothing_is_started(reply: Reply, result: Result) -> None:
    outcome, requests = start(reply, username="admin", password="wrong")
    assert (outcome.result, [each.path for each in requests]) == (result, ["/auth/token"])
    assert (outcome.error or "").startswith("Airflow gave no token: answered")


@pytest.mark.parametrize("options", [{"auth": "admin"}, {"username": "admin"}])
def test_a_target_has_what_lets_it_in(options: dict[str, Any]) -> None:
    with pytest.raises(Unusable):
        start(**options)


def test_no_error_repeats_a_secret() -> None:
    hide("5ecretPassword")  # as whoever reads it out of the environment does
    outcome, _ = start(repeat, auth="admin:5ecretPassword")
    assert (outcome.result, "5ecret" in (outcome.error or "")) == (Result.RETRY, False)
    outcome, _ = start(access("5ecretT0ken"), repeat, auth="admin:5ecretPassword")
    assert (outcome.result, "5ecret" in (outcome.error or "")) == (Result.RETRY, False)


def test_odd_names_stay_one_segment() -> None:
    outcome, (posted, *_) = start(ran(), is_paused(), action={"dag": "a/b c?d#e"})
    assert posted.path == "/api/v2/dags/a%2Fb%20c%3Fd%23e/dagRuns"
    assert outcome.answer is not None
    assert outcome.answer["url"].endswith(f"/dags/a%2Fb%20c%3Fd%23e/runs/{RUN}")


def test_an_asset_is_told_of_as_recorded() -> None:
    outcome, (looked, _, posted) = start(LISTED.reply, events(), TOLD.reply, action=ASSET)

    assert (looked.method, urlsplit(looked.path).path) == ("GET", urlsplit(LISTED.asked.path).path)
    assert parse_qs(urlsplit(looked.path).query)["uri_pattern"] == [ASSET["asset"]]
    assert (posted.method, posted.path) == (TOLD.asked.method, TOLD.asked.path)
    assert posted.body == {
        "asset_id": 2,
        "extra": {"event_id": "evt-100", "tidegate": WHO, "openlineage": PARENT},
    }
    assert outcome.result is Result.DELIVERED
    told = dict(outcome.answer or {})
    assert told.pop("url").endswith("/assets/2")
    assert told == {"asset_event": 1, "duplicate": False}


def listed(*uris: str, total: int) -> Reply:
    assets = [LISTED.body["assets"][0] | {"id": number, "uri": uri} for number, uri in enumerate(uris, 7)]
    return says(200, {"assets": assets, "total_entries": total})


def test_an_asset_is_the_one_with_the_very_uri() -> None:
    pages = listed("X-ping://collector/ping", "x-ping://collector/ping2", total=3), LISTED.reply
    outcome, (first, second, _, posted) = start(*pages, events(), TOLD.reply, action=ASSET)
    assert outcome.result is Result.DELIVERED
    assert [parse_qs(urlsplit(each.path).query)["offset"] for each in (first, second)] == [["0"], ["2"]]
    assert posted.body["asset_id"] == 2


def test_an_unknown_asset_is_refused() -> None:
    for unknown in (listed(total=0), listed("x-ping://collector/ping2", total=1)):
        outcome, requests = start(unknown, action=ASSET)
        assert (outcome.result, len(requests)) == (Result.REFUSED, 1)
        assert outcome.error == "Airflow has no asset x-ping://collector/ping."
    outcome, _ = start(LISTED.reply, events(), EXCHANGES["unknown asset"].reply, action=ASSET)
    assert outcome.result is Result.REFUSED
    assert "Asset with ID: `999` was not found" in (outcome.error or "")


def events(*extras: dict[str, Any] | None, total: int = 0) -> Reply:
    found = [TOLD.body | {"id": number, "extra": extra} for number, extra in enumerate(extras, 40)]
    return says(200, {"asset_events": found, "total_entries": total or len(found)})


@pytest.mark.parametrize("attempt", [1, 2])  # what is tried again by hand begins with 1
def test_an_asset_that_was_told_of_before_is_not_told_of_again(attempt: int) -> None:
    again = replace(firing(ASSET), attempt=attempt)
    ours = {"tidegate": WHO, "from_rest_api": True}
    other = {"tidegate": WHO | {"delivery": "other"}, "from_rest_api": True}

    pages = events({}, None, other, total=4), events(ours, total=4)
    outcome, (_, first, second) = start(LISTED.reply, *pages, said=again)
    query = parse_qs(urlsplit(first.path).query)
    assert urlsplit(first.path).path == "/api/v2/assets/events"
    assert (query["asset_id"], query["order_by"]) == (["2"], ["-timestamp"])
    assert query["timestamp_gte"][0].startswith("2026-11-22T06:00:00")
    assert parse_qs(urlsplit(second.path).query)["offset"] == ["3"]
    assert outcome.result is Result.DELIVERED
    assert outcome.answer is not None
    assert (outcome.answer["asset_event"], outcome.answer["duplicate"]) == (40, True)

    outcome, requests = start(LISTED.reply, events(other), TOLD.reply, said=again)
    assert outcome.answer is not None
    assert (outcome.answer["asset_event"], outcome.answer["duplicate"]) == (1, False)
    assert requests[-1].method == "POST"


@pytest.mark.parametrize(
    ("status", "result"),
    [(500, Result.UNKNOWN), (502, Result.UNKNOWN), (503, Result.RETRY), (429, Result.RETRY)],
)
def test_whether_airflow_heard_of_an_asset_is_not_known_after_it_failed(status: int, result: Result) -> None:
    assert start(LISTED.reply, events(), says(status), action=ASSET)[0].result is result


def test_a_lookup_that_fails_has_told_nothing() -> None:
    failed, _ = start(says(500), action=ASSET)
    assert (failed.result, failed.may_have_arrived) == (Result.RETRY, False)
    assert start(answer(200, b"<html>Log in</html>"), action=ASSET)[0].result is Result.REFUSED


def test_a_test_starts_nothing() -> None:
    with HttpReceiver(says(200, {"dags": [], "total_entries": 0})) as server:
        target = {"url": f"http://127.0.0.1:{server.port}", **TOKEN}
        assert send("airflow", target, parcel(kind=Kind.TEST)).result is Result.DELIVERED
        server.now(EXCHANGES["bad token"].reply)
        assert send("airflow", target, parcel(kind=Kind.TEST)).result is Result.REFUSED
        with pytest.raises(Unusable, match="only starts work"):
            send("airflow", target, parcel())
        with pytest.raises(Unusable, match="a dag or an asset"):
            send("airflow", target, firing({}))
    assert {asked(request) for request in server.received} == {("GET", "/api/v2/dags?limit=1", None)}
