"""The rules over HTTP."""

from __future__ import annotations

import json
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
        "flows": {"kind": "prefect", "url": "https://prefect.example.com", "key": "env:A"},
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
    "triggers": [
        {
            "id": "build",
            "when": {
                "all": [
                    {"id": "orders", "dataset": {"name": "orders"}, "require": {"expectation": ["stream"]}},
                    {"any": [{"dataset": {"name": "a"}}, {"dataset": {"name": "b"}, "optional": True}]},
                ]
            },
            "join": {"mode": "latched", "expire": "1d"},
            "deadline": {"at": "06:30", "calendar": "de", "then": "alert"},
            "do": [
                {"start": "flows", "deployment": "a/b", "parameters": {"day": "{{ key }}", "of": [1, None]}},
                {"notify": "chat", "text": "done", "after": "flows.completed"},
            ],
        }
    ],
    "windows": [
        {
            "id": "w",
            "from": "2026-12-05T22:00",
            "to": "2026-12-06",
            "match": {"name": "x"},
            "triggers": "hold",
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


def test_what_targets_spell_out_is_for_those_who_may_do_everything(
    client: FlaskClient, writing: Writing
) -> None:
    hook = {"kind": "webhook", "url": "https://hooks.example.com/T0/s3cret?a=s3cret", "secrets": ["env:A"]}
    targets: dict[str, Any] = {
        "hook": hook | {"headers": {"X-Room": "s3cret", "X-Token": "env:B"}},
        "run": {"kind": "command", "command": ["/opt/run", "--user=s3cret"]},
    }
    document: dict[str, Any] = {"version": 1, "targets": targets}

    def key(scope: str) -> dict[str, str]:
        with writing() as catalog:
            return {"X-API-Key": keys.create(catalog.conn, "test", [scope], [], NOON)[0]}

    admin, operate = key("admin"), key("operate")
    assert client.put("/api/v2/rules", json=document, headers=admin).status_code == 200
    for headers in (operate, key("read")):
        assert "s3cret" not in client.get("/rules", headers=headers).text
        found = client.get("/api/v2/rules", headers=headers).get_json()
        assert "s3cret" not in str(found)
        assert found["targets"]["hook"]["url"] == "https://hooks.example.com/…"
        assert found["targets"]["hook"]["headers"] == {"X-Room": "…", "X-Token": "env:B"}

    # Who may change rules puts what he was given, and changes nothing by it, nor has it sent to elsewhere.
    seen = {"version": 1, "targets": found["targets"]}
    assert client.post("/api/v2/rules/plan", json={"document": seen}, headers=operate).status_code == 200
    assert client.put("/api/v2/rules", json=seen, headers=operate).status_code == 200
    assert client.get("/api/v2/rules", headers=admin).get_json()["targets"] == targets
    seen["targets"]["hook"]["url"] = "https://elsewhere.example.com/"
    refused = client.put("/api/v2/rules", json=seen, headers=operate)
    assert refused.status_code == 422, refused.text
    assert "$.targets.hook.headers.X-Room" in refused.get_json()["detail"]


def trigger(**keys: Any) -> dict[str, Any]:
    return {"id": "t", "when": {"dataset": {"name": "x"}}} | keys


def nested(depth: int, inner: Any, wrap: str | None = None) -> Any:
    for _ in range(depth):
        inner = [inner] if wrap is None else {wrap: [inner]}
    return inner


def test_mistakes_in_triggers_are_told(client: FlaskClient) -> None:
    targets = {"flows": {"kind": "prefect", "url": "https://prefect.example.com"}}
    start = {"start": "flows", "deployment": "a/b"}
    triggers = [
        trigger(when=nested(150, {"dataset": {"name": "x"}}, "all")),
        trigger(do=[start | {"parameters": {"a": nested(150, 1)}}]),
        trigger(do=[start | {"whatever": {"b": nested(150, 1)}}]),
        trigger(when="x"),
        trigger(do=["x"]),
    ]
    answer = client.put("/api/v2/rules", json=NONE | {"targets": targets, "triggers": triggers})
    assert answer.status_code == 422
    found = {error["path"]: error["reason"] for error in answer.get_json()["errors"]}
    assert found.pop("$.triggers[0].when") == "Must not be more than 10 levels deep."
    assert found.pop("$.triggers[3].when").startswith("Must be keys and values, as {dataset:")
    assert {path.partition(".a[")[0].partition(".b[")[0] for path in found} == {
        "$.triggers[1].do[0].parameters",
        "$.triggers[2].do[0].whatever",
        "$.triggers[4].do[0]",
    }

    triggers = [trigger(do=[start | {"deploymnt": "a/b", "tags": ["{{ keyy }}"]}])]
    answer = client.put("/api/v2/rules", json=NONE | {"targets": targets, "triggers": triggers})
    assert {error["path"]: error["reason"].partition(";")[0] for error in answer.get_json()["errors"]} == {
        "$.triggers[0].do[0].deploymnt": "The kind prefect takes deployment, parameters, tags, labels, name.",
        "$.triggers[0].do[0].tags[0]": "There is no variable keyy",
    }


def test_what_no_database_keeps_is_replaced_in_options(client: FlaskClient, get: Get) -> None:
    targets = {"flows": {"kind": "prefect", "url": "https://prefect.example.com"}}
    odd = {"start": "flows", "deployment": "a/b", "parameters": {"a\0": ["\ud800", "\0"]}}
    document = NONE | {"targets": targets, "triggers": [trigger(do=[odd])]}
    # As ASCII, so that halves of surrogate pairs can be written.
    answer = client.put("/api/v2/rules", data=json.dumps(document), content_type="application/json")
    assert answer.status_code == 200
    assert get("/rules")["triggers"][0]["do"][0]["parameters"] == {"a\ufffd": ["\ufffd", "\ufffd"]}
