"""Alerts and silences over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.storage import keys, revisions, silences
from collector.storage.engine import Database
from collector.times import iso, now_us
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Get, Writing
from tests.watched import Watched, print_of

CRITICAL = {"label": "severity", "value": "critical"}
WORK = {"note": "restarting the loader", "by": "anna"}


@pytest.fixture
def watched(writing: Writing) -> None:
    """Have raw explain three others, one cause that is muted, one that is over, and failed runs."""
    with writing() as catalog:
        catalog.dataset("raw")
        watched = Watched(catalog.conn)
        root = print_of("daily", "raw")
        watched.alert("daily", "raw", affects=3, severity="critical", notified_at=NOON)
        for number, name in enumerate(("a", "b", "c")):
            watched.alert("daily", name, cause=root, starts=NOON + number, notified_at=NOON)
        watched.alert("daily", "quiet", muted_by="silence:s1", starts=NOON)
        watched.alert("daily", "old", starts=NOON - 9 * HOUR, ends_at=NOON - 8 * HOUR)
        # Nobody asked to hear of failed runs; this one explains nothing.
        watched.alert("failed_run", "load", type_="job", only_as_cause=True)
        watched.notified("n1", root)
        watched.notified("n2", print_of("daily", "quiet"))


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer["items"]]


def revision(database: Database) -> int:
    with database.read() as conn:
        return revisions.get(conn, revisions.ALERTS).wanted


@pytest.mark.usefixtures("watched")
def test_causes_come_first_and_filters_pick_out(get: Get, client: FlaskClient) -> None:
    every = names(get("/alerts"))
    assert every == ["raw", "quiet", "c", "b", "a"]
    assert names(get("/alerts", affected="false")) == ["raw", "quiet"]
    assert names(get("/alerts", affected="true")) == ["c", "b", "a"]
    assert names(get("/alerts", cause=1)) == ["c", "b", "a"]
    assert names(get("/alerts", severity="critical")) == ["raw"]
    assert names(get("/alerts", node="dataset:shop:b")) == ["b"]
    assert names(get("/alerts", node="dataset:shop:none")) == []
    assert names(get("/alerts", state="ended")) == ["old"]
    assert names(get("/alerts", state="all")) == ["c", "b", "quiet", "a", "raw", "old"]
    assert names(get("/alerts", acknowledged="true")) == []
    for state in ("open", "all"):
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = get("/alerts", state=state, limit=2, **cursor)
            found += names(page)
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert found == names(get("/alerts", state=state))
    assert client.get("/api/v2/alerts?sevrity=critical").status_code == 422


@pytest.mark.usefixtures("watched")
def test_one_alert_tells_what_it_explains_and_who_was_told(get: Get, client: FlaskClient) -> None:
    root = get("/alerts/1")
    assert [item["name"] for item in root["affected"]] == ["c", "b", "a"]
    assert root["affected"][0]["cause"] == {"alert": 1, "node": "dataset:shop:raw", "text": "raw is late."}
    assert [(item["receiver"], item["title"]) for item in root["notifications"]] == [
        ("pager", "[WARNING] n1")
    ]
    assert root["node"] == "dataset:shop:raw"
    # Failed runs that explain nothing are nobody's business.
    for missing in (7, 99):
        assert client.get(f"/api/v2/alerts/{missing}").status_code == 404


@pytest.mark.usefixtures("watched")
def test_an_acknowledgement_is_kept_and_wakes_the_engine(
    client: FlaskClient, get: Get, database: Database
) -> None:
    before = revision(database)
    answer = client.post("/api/v2/alerts/1/acknowledge", json=WORK)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["acknowledged"]["by"] == "anna"
    assert revision(database) == before + 1
    assert names(get("/alerts", acknowledged="true")) == ["raw"]

    assert client.post("/api/v2/alerts/1/unacknowledge", json={}).get_json()["acknowledged"] is None
    assert revision(database) == before + 2
    assert client.post("/api/v2/alerts/6/acknowledge", json=WORK).status_code == 422
    assert client.post("/api/v2/alerts/99/acknowledge", json=WORK).status_code == 404
    nameless = client.post("/api/v2/alerts/1/acknowledge", json={"note": "on it"})
    assert nameless.get_json()["errors"] == [{"path": "$.by", "reason": "Needed where there are no keys."}]
    assert revision(database) == before + 2


@pytest.mark.usefixtures("watched")
def test_keys_sign_with_their_names_and_need_the_scope(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        made = {
            name: {"X-API-Key": keys.create(catalog.conn, name, (scope,), places, NOON)[0]}
            for name, scope, places in (
                ("look", "read", ()),
                ("bot", "operate", ()),
                ("shop", "operate", ("shop",)),
                ("other", "operate", ("other",)),
            )
        }

    def post(path: str, name: str, **body: Any) -> Any:
        return client.post(f"/api/v2{path}", json=body, headers=made[name])

    assert post("/alerts/1/acknowledge", "look", note="x").status_code == 403
    assert post("/alerts/1/acknowledge", "other", note="x").status_code == 404
    assert post("/alerts/1/acknowledge", "shop", note="x").get_json()["acknowledged"]["by"] == "shop"
    assert post("/alerts/1/acknowledge", "bot", **WORK).get_json()["acknowledged"]["by"] == "anna (bot)"
    silence = {"matchers": [CRITICAL], "ends_at": "2100-01-01", "reason": "move"}
    for name in ("look", "shop"):
        assert post("/silences", name, **silence).status_code == 403
    assert client.get("/api/v2/silences", headers=made["shop"]).status_code == 403
    assert post("/silences", "bot", **silence).get_json()["author"] == "bot"


def test_a_silence_is_made_changed_and_ended(client: FlaskClient, get: Get, database: Database) -> None:
    def post(path: str = "", **body: Any) -> Any:
        answer = client.post(f"/api/v2/silences{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    until = {"ends_at": iso(now_us() + HOUR), "author": "anna", "reason": "move"}
    made = post(matchers=[CRITICAL], **until)
    assert (made["state"], made["matchers"]) == ("active", [CRITICAL | {"regex": False, "negative": False}])
    with database.read() as conn:
        (held,) = silences.active(conn, now_us())
        assert held.id == made["id"]
        assert silences.next_change(conn, now_us()) == held.ends

    longer = post(id=made["id"], matchers=[CRITICAL], **until | {"reason": "longer"})
    assert (longer["id"], longer["reason"]) == (made["id"], "longer")
    other = post(
        id=made["id"], matchers=[CRITICAL, {"label": "name", "value": "mart.*", "regex": True}], **until
    )
    assert other["id"] != made["id"]
    assert [item["id"] for item in get("/silences")["items"]] == [other["id"]]
    assert [item["id"] for item in get("/silences", state="expired")["items"]] == [made["id"]]
    later = post(matchers=[CRITICAL], **until | {"starts_at": iso(now_us() + HOUR // 2)})
    assert later["state"] == "pending"

    assert post(f"/{other['id']}/expire")["state"] == "expired"
    assert [item["id"] for item in get("/silences")["items"]] == [later["id"]]
    assert revision(database) == 5
    with database.write() as conn:
        assert silences.prune(conn, now_us() + 1) == 2
        assert silences.active(conn, now_us()) == []
    assert client.post("/api/v2/silences/none/expire", json={}).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "path", "says"),
    [
        ({"matchers": []}, "$.matchers", "between"),
        ({"matchers": [{"label": "sevrity", "value": "x"}]}, "$.matchers[0].label", "rule, type, namespace"),
        ({"matchers": [{"label": "severity", "value": "urgent"}]}, "$.matchers[0].value", "info, warning"),
        ({"matchers": [{"label": "name", "value": "(", "regex": True}]}, "$.matchers[0].value", "No pattern"),
        ({"ends_at": "2020-01-01"}, "$.ends_at", "to come"),
        ({"ends_at": None}, "$.ends_at", ""),
        ({"reason": " "}, "$.reason", "something"),
        ({"author": " "}, "$.author", "who"),
        ({"until": "2100-01-01"}, "$.until", "Unknown"),
    ],
)
def test_mistakes_in_silences_have_their_place(
    client: FlaskClient, wrong: dict[str, Any], path: str, says: str
) -> None:
    right = {"matchers": [CRITICAL], "ends_at": "2100-01-01", "author": "anna", "reason": "move"}
    answer = client.post("/api/v2/silences", json=right | wrong)
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert error["path"] == path
    assert says in error["reason"]
