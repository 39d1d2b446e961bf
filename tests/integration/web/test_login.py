"""Logging in and out, who may see what by a session, and forms that others than our pages send."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from collector.storage import keys
from collector.storage.engine import Database
from collector.storage.tables import web_session
from tests.acceptance.shared import DIALECTS
from tests.catalog import NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import TOKEN

# Sessions are rows of the pages' own.
pytestmark = pytest.mark.parametrize("dialect", DIALECTS)

MakeKey = Callable[..., str]
COOKIE = "tidegate_session"


@pytest.fixture
def make_key(writing: Writing) -> MakeKey:
    def make(*scopes: str, namespaces: tuple[str, ...] = ()) -> str:
        with writing() as catalog:
            return keys.create(catalog.conn, "test", scopes or ("read",), namespaces, NOON)[0]

    return make


def token_in(client: FlaskClient, path: str = "/login") -> str:
    found = TOKEN.search(client.get(path).text)
    assert found
    return found[1]


def log_in(client: FlaskClient, key: str, to: str = "") -> TestResponse:
    return client.post("/login", data={"csrf": token_in(client), "key": key, "next": to})


def test_whoever_has_no_session_is_sent_to_the_login_and_back(client: FlaskClient, make_key: MakeKey) -> None:
    key = make_key()
    sent = client.get("/events?kind=run")
    assert (sent.status_code, sent.location) == (303, "/login?next=/events?kind%3Drun")
    page = client.get(sent.location)
    assert 'name="next" value="/events?kind=run"' in page.text
    assert "sections" not in page.text  # no way around before one is in
    answer = log_in(client, key, "/events?kind=run")
    assert (answer.status_code, answer.location) == (303, "/events?kind=run")
    assert client.get(answer.location).status_code == 200
    assert client.get("/login?next=/events").location == "/events"


@pytest.mark.parametrize("key", ["", "wrong", "tg_aaaaaaaa_bbbb", "\x00\udcff", "x" * 100_000])
def test_a_wrong_key_is_refused_with_a_page(client: FlaskClient, make_key: MakeKey, key: str) -> None:
    make_key()
    answer = client.post(
        "/login", data={"csrf": token_in(client), "key": key.encode("utf-8", "surrogatepass"), "next": "/"}
    )
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert client.get("/events").status_code == 303


def test_a_key_that_only_sends_is_told_so(client: FlaskClient, make_key: MakeKey) -> None:
    answer = log_in(client, make_key("ingest"))
    assert answer.status_code == 403
    assert "sending events only" in answer.text
    assert client.get("/events").status_code == 303


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/\u2028/x",
        "javascript:alert(1)",
        "evil.example",
        "",
    ],
)
def test_nobody_is_led_elsewhere(client: FlaskClient, make_key: MakeKey, target: str) -> None:
    assert log_in(client, make_key(), target).location == "/"
    assert client.get("/login", query_string={"next": target}).location == "/"
    data = {"csrf": token_in(client, "/events"), "theme": "dark", "next": target}
    assert client.post("/theme", data=data).location == "/"


def test_the_cookie_is_for_the_browser_alone(client: FlaskClient, make_key: MakeKey) -> None:
    key = make_key()
    for scheme in ("http", "https"):
        base = f"{scheme}://localhost"
        client.delete_cookie(COOKIE)
        found = TOKEN.search(client.get("/login", base_url=base).text)
        assert found
        answer = client.post("/login", data={"csrf": found[1], "key": key}, base_url=base)
        (cookie,) = (each for each in answer.headers.getlist("Set-Cookie") if each.startswith(f"{COOKIE}="))
        parts = {part.partition("=")[0].strip() for part in cookie.split(";")[1:]}
        assert {"HttpOnly", "SameSite", "Path", "Max-Age"} <= parts
        assert "SameSite=Lax" in cookie
        assert ("Secure" in parts) is (scheme == "https")
        assert key not in cookie


def test_a_planted_token_is_not_kept(client: FlaskClient, make_key: MakeKey) -> None:
    key = make_key()
    client.set_cookie(COOKIE, "planted")
    log_in(client, key)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    assert cookie.value != "planted"
    client.set_cookie(COOKIE, "planted")
    assert client.get("/events").status_code == 303


def test_behind_a_proxy_that_speaks_tls_the_cookie_is_for_tls(client: FlaskClient, make_key: MakeKey) -> None:
    make_key()
    for proto, secure in (("https", True), ("http", False)):
        client.delete_cookie(COOKIE)
        answer = client.get("/login", headers={"X-Forwarded-Proto": proto})
        assert ("Secure" in answer.headers["Set-Cookie"]) is secure


def test_logging_in_anew_ends_the_session_before(client: FlaskClient, make_key: MakeKey) -> None:
    log_in(client, make_key())
    before = client.get_cookie(COOKIE)
    assert before is not None
    client.post("/login", data={"csrf": token_in(client, "/events"), "key": make_key()})
    assert client.get("/events").status_code == 200
    client.set_cookie(COOKIE, before.value)
    assert client.get("/events").status_code == 303


def test_logging_out_ends_the_session_on_the_server(client: FlaskClient, make_key: MakeKey) -> None:
    log_in(client, make_key())
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    answer = client.post("/logout", data={"csrf": token_in(client, "/events")})
    assert (answer.status_code, answer.location) == (303, "/login")
    client.set_cookie(COOKIE, cookie.value)
    assert client.get("/events").status_code == 303


def test_a_session_ends_with_its_key_and_its_time(
    client: FlaskClient, make_key: MakeKey, database: Database, writing: Writing
) -> None:
    key, _other = make_key(), make_key()
    log_in(client, key)
    assert client.get("/events").status_code == 200
    with database.write() as conn:
        conn.execute(update(web_session).values(expires_at=1))
    assert client.get("/events").status_code == 303
    log_in(client, key)
    assert client.get("/events").status_code == 200
    with writing() as catalog:
        keys.revoke(catalog.conn, keys.prefix_of(key), NOON)
    assert client.get("/events").status_code == 303
    assert client.get("/api/v2/events").status_code == 401


def test_forms_must_come_from_our_pages(client: FlaskClient, make_key: MakeKey) -> None:
    log_in(client, make_key("operate"))
    good = token_in(client, "/events")
    refused = [
        client.post("/rejected/reprocess", data={"all": "yes"}),
        client.post("/rejected/reprocess", data={"all": "yes", "csrf": "0" * 64}),
        client.post("/rejected/reprocess", data={"all": "yes", "csrf": "ü"}),
        client.post("/rejected/reprocess", data={"all": "yes", "csrf": good[:-1]}),
    ]
    for origin in ("https://evil.example", "http://localhost.evil.example", "http://localhost:81"):
        data = {"all": "yes", "csrf": good}
        refused.append(client.post("/rejected/reprocess", data=data, headers={"Origin": origin}))
    for answer in refused:
        assert (answer.status_code, answer.mimetype) == (403, "text/html")
        assert "load the page again" in answer.text
    ours = client.post(
        "/rejected/reprocess", data={"all": "yes", "csrf": good}, headers={"Origin": "http://localhost"}
    )
    assert ours.status_code == 303


def test_the_api_takes_a_session_for_looking_only(client: FlaskClient, make_key: MakeKey) -> None:
    key = make_key("admin")
    log_in(client, key)
    assert client.get("/api/v2/events").status_code == 200
    for path in ("/api/v2/rejected/reprocess", "/api/v2/keys"):
        assert client.post(path, json={"all": True}).status_code == 401
        assert client.post(path, json={"all": True}, headers={"X-API-Key": "wrong"}).status_code == 401
    assert client.put("/api/v2/aliases", json={"version": 1, "rules": []}).status_code == 401
    assert client.post("/api/v1/lineage", json={}).status_code == 401
    # A key that is shown counts, whoever is logged in.
    assert client.get("/api/v2/events", headers={"X-API-Key": "wrong"}).status_code == 401


def test_a_key_that_looks_may_not_act(client: FlaskClient, make_key: MakeKey) -> None:
    log_in(client, make_key("read"))
    page = client.get("/rejected")
    assert page.status_code == 200
    answer = client.post("/rejected/reprocess", data={"all": "yes", "csrf": token_in(client, "/rejected")})
    assert (answer.status_code, answer.mimetype) == (403, "text/html")


def test_a_key_of_some_namespaces_sees_these_only(
    client: FlaskClient, make_key: MakeKey, writing: Writing
) -> None:
    with writing() as catalog:
        for place in ("mine", "theirs"):
            catalog.event({}, entity=catalog.job(f"job_of_{place}", place))
    log_in(client, make_key("admin", namespaces=("mine",)))
    events = client.get("/events").text
    assert "job_of_mine" in events
    assert "job_of_theirs" not in events
    assert "Rejected" not in re.sub(r"<(title|footer).*?</\1>", "", events, flags=re.DOTALL)
    assert client.get("/event?id=2").status_code == 404
    found = client.get("/search?q=job_of").text
    assert ("job_of_mine" in found, "job_of_theirs" in found) == (True, False)
    for path in ("/rejected", "/parked", "/aliases", "/keys", "/settings", "/about", "/rules"):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (403, "text/html"), path


def test_colours_are_kept_and_nothing_else_is(client: FlaskClient) -> None:
    for theme, expected in (("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ('"><b>', "")):
        client.post("/theme", data={"csrf": token_in(client, "/events"), "theme": theme, "next": "/events"})
        page = client.get("/events").text
        assert f'<html lang="en"{expected}>' in page


def test_where_there_are_no_keys_nobody_needs_one(client: FlaskClient) -> None:
    assert client.get("/login").location == "/"
    assert client.get("/events").status_code == 200
    assert "Log out" not in client.get("/events").text
