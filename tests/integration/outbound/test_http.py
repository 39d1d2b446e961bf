"""Requests to servers that behave as they should, and to those that do not."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from collector.outbound.guard import Forbidden, Guard, Unreachable
from collector.outbound.http import KEPT_SECONDS, MOST_READ, Connections, Http, NoAnswer
from tests.receivers import (
    LOOPBACK,
    HttpReceiver,
    Served,
    answer,
    certified,
    drip,
    drop,
    flood,
    hang,
    redirect,
)

ALLOWED = Guard.of("127.0.0.0/8")

TIMEOUT = 0.5


@pytest.fixture
def http() -> Http:
    return Http(ALLOWED, TIMEOUT)


def test_a_request_arrives_and_its_answer_comes_back(http: Http) -> None:
    with HttpReceiver(answer(202, b"thanks", X_Thing="yes")) as receiver:
        url = f"http://anna:se%20cret@localhost:{receiver.port}/a%20b?c=d"
        found = http.request("POST", url, headers={"X-Own": "1"}, content=b"\x00\xff")

    assert (found.status, found.body, found.headers["x-thing"]) == (202, b"thanks", "yes")
    (request,) = receiver.received
    assert (request.method, request.path, request.body) == ("POST", "/a%20b?c=d", b"\x00\xff")
    assert request.headers == {
        "host": f"localhost:{receiver.port}",
        "connection": "close",
        "user-agent": "tidegate",
        "accept-encoding": "identity",
        "authorization": "Basic YW5uYTpzZSBjcmV0",
        "x-own": "1",
        "content-length": "2",
    }


def test_nobody_is_followed_anywhere(http: Http) -> None:
    with HttpReceiver() as private, HttpReceiver(redirect(private.url)) as receiver:
        found = http.request("POST", receiver.url)

    assert found.status == 302
    assert private.received == []


def test_what_is_private_gets_no_connection() -> None:
    with HttpReceiver() as receiver:
        for host in (LOOPBACK, "localhost", "[::ffff:127.0.0.1]", "2130706433"):
            with pytest.raises(Forbidden):
                Http(Guard(), TIMEOUT).request("POST", f"http://{host}:{receiver.port}/")
    assert receiver.received == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.test/",
        "file:///etc/passwd",
        "gopher://a.test",
        "//a.test",
        "",
        "http://",
        "http://[::1",
        "a b",
    ],
)
def test_only_addresses_of_http_are_asked(http: Http, url: str) -> None:
    with pytest.raises(Forbidden) as caught:
        http.request("POST", url)
    assert not url or url not in str(caught.value)


@pytest.mark.parametrize("reply", [hang, drip])
def test_the_time_is_limited_in_all(http: Http, reply: Callable[..., None]) -> None:
    with HttpReceiver(reply) as receiver:
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="timed out"):
            http.request("POST", receiver.url, content=b"x")
        took = time.monotonic() - began

    assert TIMEOUT * 0.9 < took < TIMEOUT + 0.4
    assert len(receiver.received) == 1


def test_of_an_endless_answer_a_part_is_read(http: Http) -> None:
    with HttpReceiver(flood) as receiver:
        found = http.request("POST", receiver.url)
    assert (found.status, len(found.body)) == (200, MOST_READ)


def test_one_that_reads_nothing_is_given_up(http: Http) -> None:
    with socket.create_server((LOOPBACK, 0)) as deaf:
        url = f"http://{LOOPBACK}:{deaf.getsockname()[1]}/"
        with pytest.raises(NoAnswer, match="timed out"):
            http.request("POST", url, content=bytes(50_000_000))


def test_whether_anything_was_sent_is_told(http: Http) -> None:
    with HttpReceiver(drop) as receiver:
        with pytest.raises(NoAnswer):
            http.request("POST", receiver.url)
        port = receiver.port
    with pytest.raises(Unreachable) as caught:
        http.request("POST", f"http://{LOOPBACK}:{port}/")
    assert not isinstance(caught.value, NoAnswer)
    assert str(caught.value) == f"{LOOPBACK}:{port} cannot be reached: Connection refused."


def test_the_name_of_the_url_is_verified_whatever_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    server, client = certified("hook.test")
    real = socket.getaddrinfo

    def lookup(host: str, *args: Any, **kwargs: Any) -> Any:
        return real(LOOPBACK if str(host).endswith(".test") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with HttpReceiver(tls=server) as receiver:
        http = Http(ALLOWED, 5, client)
        assert http.request("POST", f"https://hook.test:{receiver.port}/").status == 204
        with pytest.raises(Unreachable, match=r"Hostname mismatch.*other.test"):
            http.request("POST", f"https://other.test:{receiver.port}/")
        with pytest.raises(Unreachable, match="certificate verify failed"):
            Http(ALLOWED, 5, httpx2.create_ssl_context()).request(
                "POST", f"https://hook.test:{receiver.port}/"
            )
    assert len(receiver.received) == 1


def test_proxies_of_the_environment_are_not_used(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpReceiver() as proxy, HttpReceiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        http.request("POST", receiver.url)
    assert (len(receiver.received), proxy.received) == (1, [])


class Keeping(Served):
    """Answers requests on one connection as often as ``times`` says, one number for each connection, then closes it.

    After the last answer on a connection the next request is read, if ``late``, and not answered.
    """

    def __init__(self, *times: int, late: bool = False) -> None:
        super().__init__()
        self.bodies: list[list[bytes]] = []
        self._times = list(times)
        self._late = late

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/"

    def serve(self, connection: socket.socket) -> None:
        bodies: list[bytes] = []
        self.bodies.append(bodies)
        times = self._times.pop(0)
        with connection.makefile("rb") as lines:
            for number in range(times + self._late):
                headers = []
                while line := lines.readline().strip().lower():
                    headers.append(line.partition(b": "))
                if not headers:
                    return
                size = next(int(value) for name, _, value in headers if name == b"content-length")
                bodies.append(lines.read(size))
                if number < times:
                    connection.sendall(b"HTTP/1.1 204 -\r\n\r\n")


@pytest.fixture
def keeping(http: Http) -> Iterator[Http]:
    kept = Connections(http.guard, http.tls)
    yield replace(http, kept=kept)
    kept.close()


def test_a_connection_is_kept_for_what_may_come_twice(http: Http, keeping: Http) -> None:
    with Keeping(2, 1, 1) as receiver:
        for content in (b"a", b"b"):
            keeping.request("POST", receiver.url, content=content)
        http.request("POST", receiver.url, content=b"c")
        keeping.request("POST", receiver.url, content=b"d")
    assert receiver.bodies == [[b"a", b"b"], [b"c"], [b"d"]]


def test_what_a_kept_connection_swallowed_is_sent_again_over_a_new_one(keeping: Http) -> None:
    with Keeping(1, 1, late=True) as receiver:
        for content in (b"a", b"b"):
            assert keeping.request("POST", receiver.url, content=content).status == 204
    assert receiver.bodies == [[b"a", b"b"], [b"b"]]


def test_what_a_new_connection_swallowed_is_not_sent_again(keeping: Http) -> None:
    with Keeping(0, late=True) as receiver, pytest.raises(NoAnswer):
        keeping.request("POST", receiver.url, content=b"a")
    assert receiver.bodies == [[b"a"]]


def test_an_idle_connection_is_not_used_for_long(keeping: Http) -> None:
    with Keeping(2, 1) as receiver:
        keeping.request("POST", receiver.url, content=b"a")
        time.sleep(KEPT_SECONDS + 0.1)
        keeping.request("POST", receiver.url, content=b"b")
    assert receiver.bodies == [[b"a"], [b"b"]]
