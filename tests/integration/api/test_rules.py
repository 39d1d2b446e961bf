"""The rules over HTTP."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from collector.storage import keys, revisions, rules
from collector.storage.engine import Database
from tests.catalog import NOON
from tests.integration.api.conftest import Get, Writing

DOCUMENT: dict[str, Any] = {
    "version": 1,
    "timezone": "Europe/Berlin",
    "calendars": {"de": {"holidays": [{"country": "DE"}], "working": ["2026-12-19"]}},
    "targets": {
        "chat": {"kind": "apprise", "url": "env:CHAT"},
        "hook": {"kind": "webhook", "url": "https://example.com/x", "secrets": ["env:A"]},
    },
    "expectations": [
        {
            "id": "orders",
            "dataset": {"namespace": "s3://lake", "name": "orders/"},
            "due": {"at": "07:00", "calendar": "de"},
            "partition": {"from": ["nominal_time"], "offset": -1},
            "grace": {"late": "20m"},
        },
        {"id": "stream", "dataset": {"tag": "live"}, "max_age": {"warn": "15m", "late": "30m"}},
        {"id": "shape", "dataset": {"name": "mart.*"}, "schema": {"compatible": True}},
    ],
    "windows": [
        {
            "id": "w",
            "from": "2026-12-05T22:00",
            "to": "2026-12-06",
            "match": {"name": "x"},
            "reason": "r",
            "by": "b",
        }
    ],
    "alerting": {
        "routes": [{"match": {"severity": ["info", "warning"]}, "to": ["chat", "owner"]}, {"to": ["hook"]}],
        "owner_map": {"team:a": "env:A", "default": "chat"},
    },
}
NONE = {"version": 1, "timezone": "UTC"}


def test_rules_are_put_followed_and_given_back(client: FlaskClient, get: Get, database: Database) -> None:
    assert get("/rules") == NONE | {"revision": 0, "applied": True, "folder": None}

    answer = client.put("/api/v2/rules", json=DOCUMENT)
    assert answer.get_json() == {"revision": 1, "applied": False, "folder": None}
    with database.write() as conn:
        revisions.follow(conn, revisions.RULES, 1)
    found = get("/rules")
    assert found == DOCUMENT | {"revision": 1, "applied": True, "folder": None}

    again = {key: value for key, value in found.items() if key in DOCUMENT}
    assert client.put("/api/v2/rules", json=again).get_json()["revision"] == 1
    assert client.put("/api/v2/rules", json=NONE).get_json()["revision"] == 2
    assert get("/rules")["revision"] == 2


def test_mistakes_have_their_place_and_change_nothing(client: FlaskClient, get: Get) -> None:
    client.put("/api/v2/rules", json=DOCUMENT)

    def errors(**keys: Any) -> list[dict[str, str]]:
        answer = client.put("/api/v2/rules", json=NONE | keys)
        assert answer.status_code == 422
        found: list[dict[str, str]] = answer.get_json()["errors"]
        return found

    assert errors(trigers=[]) == [{"path": "$.trigers", "reason": "Unknown field."}]
    assert (
        errors(targets={"chat": {"kind": "apprise", "url": "slack://x"}})[0]["path"] == "$.targets.chat.url"
    )
    twice = [{"id": "a", "dataset": {"name": "b"}, "max_age": age} for age in ("1h", "soon", "2h")]
    assert [error["path"] for error in errors(expectations=twice)] == [
        "$.expectations[1].max_age",
        "$.expectations[2]",
    ]
    assert errors(alerting={"routes": [{"to": "nowhere"}]}) == [
        {"path": "$.alerting.routes[0].to[0]", "reason": "There is no target 'nowhere'."}
    ]
    assert client.put("/api/v2/rules", data="{").status_code in (400, 422)
    assert get("/rules")["revision"] == 1


def test_secrets_that_rules_may_not_name_are_refused(client: FlaskClient, get: Get) -> None:
    targets = {
        "hook": {
            "kind": "webhook",
            "url": "https://example.com/x",
            "secrets": ["env:HOOK", "env:TIDEGATE_DATABASE"],
            "headers": {"authorization": "file:/run/secrets/../../etc/shadow"},
        },
        "mail": {"kind": "email", "to": "a@b.c", "from": "env:PGPASSWORD", "host": "mail.example.com"},
    }
    alerting = {"owner_map": {"team:a": "env:PGPASSWORD"}}
    answer = client.put("/api/v2/rules", json=NONE | {"targets": targets, "alerting": alerting})
    assert answer.status_code == 422
    assert [error["path"] for error in answer.get_json()["errors"]] == [
        "$.targets.hook.secrets[1]",
        "$.targets.hook.headers.authorization",
        "$.targets.mail.from",
        "$.alerting.owner_map.team:a",
    ]
    assert "the setting secret_env can allow it" in answer.get_json()["detail"]
    assert get("/rules")["revision"] == 0


def test_rules_of_a_folder_are_changed_there(client: FlaskClient, get: Get, database: Database) -> None:
    with database.write() as conn:
        rules.set_origin(conn, "/etc/rules", NOON)
    answer = client.put("/api/v2/rules", json=DOCUMENT)
    assert answer.status_code == 409
    assert "/etc/rules" in answer.get_json()["detail"]
    assert get("/rules")["folder"] == "/etc/rules"


def test_rules_are_for_keys_of_all_namespaces(client: FlaskClient, writing: Writing) -> None:
    def key(scope: str, *namespaces: str) -> dict[str, Any]:
        with writing() as catalog:
            return {"X-API-Key": keys.create(catalog.conn, "test", [scope], namespaces, NOON)[0]}

    read, some, operate = key("read"), key("operate", "postgres://*"), key("operate")
    for headers, reads, writes in ((read, 200, 403), (some, 403, 403), (operate, 200, 200)):
        assert client.get("/api/v2/rules", headers=headers).status_code == reads
        assert client.put("/api/v2/rules", json=DOCUMENT, headers=headers).status_code == writes
