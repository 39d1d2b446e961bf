"""Scopes, namespace patterns, headers, and the addresses that need a key."""

from __future__ import annotations

import pytest

from collector.auth import ANYBODY, Principal, check_bind, expand, is_loopback, key_in
from collector.errors import ConfigurationError, Forbidden, Unauthorized
from collector.settings import Settings


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ([], set()),
        (["ingest"], {"ingest"}),
        (["read"], {"read"}),
        (["operate"], {"operate", "read"}),
        (["admin"], {"ingest", "read", "operate", "admin"}),
        (["ingest", "operate"], {"ingest", "operate", "read"}),
        (["future"], {"future"}),
    ],
)
def test_scopes_and_what_they_imply(scopes: list[str], allowed: set[str]) -> None:
    principal = Principal("p", expand(scopes))
    assert principal.scopes == allowed
    for scope in ("ingest", "read", "operate", "admin"):
        assert principal.allows(scope) is (scope in allowed)


def test_a_missing_scope_is_named() -> None:
    with pytest.raises(Forbidden, match="lacks the scope 'read'"):
        Principal("p", expand(["ingest"])).require("read")
    ANYBODY.require("admin")


@pytest.mark.parametrize(
    ("patterns", "namespace", "seen"),
    [
        ((), "", True),
        (("postgres://*",), "postgres://db:5432", True),
        (("postgres://*",), "mysql://db", False),
        (("postgres://*",), "Postgres://db", False),
        (("a", "b*"), "bc", True),
        (("a", "b*"), "ab", False),
        (("*",), "two\nlines", True),
        (("team-?",), "team-1", True),
        (("",), "x", False),
    ],
)
def test_namespaces_match_whole_and_by_case(patterns: tuple[str, ...], namespace: str, seen: bool) -> None:
    assert Principal("p", frozenset(), patterns).sees(namespace) is seen


def test_who_sees_all() -> None:
    assert ANYBODY.sees_all
    assert not Principal("p", frozenset(), ("*",)).sees_all


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"authorization": "Bearer tg_a_b"}, "tg_a_b"),
        ({"authorization": "bearer   tg_a_b "}, "tg_a_b"),
        ({"x-api-key": "tg_a_b"}, "tg_a_b"),
        ({"authorization": "Bearer tg_a_b", "x-api-key": "other"}, "tg_a_b"),
        ({"authorization": "Basic eDp5", "x-api-key": "tg_a_b"}, "tg_a_b"),
    ],
)
def test_where_a_key_is_found(headers: dict[str, str], key: str) -> None:
    assert key_in(headers) == key


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer "}, {"authorization": "Basic eDp5"}, {"x-api-key": ""}]
)
def test_no_key(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized, match="Bearer KEY"):
        key_in(headers)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_needs_no_key(host: str) -> None:
    assert is_loopback(host)
    check_bind(Settings(host=host), has_keys=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", ""])
def test_any_other_address_needs_a_key_or_the_flag(host: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_bind(Settings(host=host), has_keys=False)
    assert "tidegate keys create" in caught.value.detail
    assert "--insecure" in caught.value.detail
    check_bind(Settings(host=host), has_keys=True)
    check_bind(Settings(host=host, insecure=True), has_keys=False)
