"""Where nothing is sent to, in all the ways in which such an address can be written."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from collector.errors import ConfigurationError
from collector.outbound.guard import Deadline, Forbidden, Guard, Unreachable

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700::1111",
    "2a00:1450:4001:801::200e",
    "64:ff9b::808:808",
]

NOT_PUBLIC = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.9.9.9", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::10.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:db8::1",
    "2002:a00:1::1", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_hosts_of_the_internet_are_sent_to(address: str) -> None:
    assert Guard().allows("example.com", ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_only_the_server_reaches_is_not(address: str) -> None:
    assert not Guard().allows("example.com", ip_address(address))


def test_an_operator_can_allow_hosts_and_networks() -> None:
    allowing = Guard.of(" Chat.Internal. , 10.0.0.0/8,fd00::/8, ::1 ")

    assert allowing.allows("chat.internal", ip_address("192.168.0.1"))
    assert allowing.allows("CHAT.internal.", ip_address("192.168.0.1"))
    assert not allowing.allows("xchat.internal", ip_address("192.168.0.1"))
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "fd00::1", "::1"):
        assert allowing.allows("anything", ip_address(address)), address
    for address in ("127.0.0.1", "192.168.0.1", "::2"):
        assert not allowing.allows("anything", ip_address(address)), address


@pytest.mark.parametrize("wrong", ["http://chat.internal", "10.0.0.0/33", "a b", "*.internal"])
def test_what_cannot_be_read_is_told(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="neither a host name nor a network"):
        Guard.of(f"good.example, {wrong}")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "::1"]
)
def test_an_address_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(Forbidden, match="the setting outbound_allow can allow it"):
        Guard().connect(host, 9, Deadline.after(5))


def test_the_address_that_was_checked_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that gives another address at each look-up gets no further than with its first."""
    answers = iter(["127.0.0.1", "169.254.169.254"])
    connected = []

    def lookup(host: str, port: int, type: int) -> list[object]:  # noqa: A002  # as the function has it
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        connected.append(address)
        return socket.socket()

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)

    Guard.of("127.0.0.0/8").connect("rebinding.test", 80, Deadline.after(5)).close()
    with pytest.raises(Forbidden, match=r"rebinding.test is at 169.254.169.254"):
        Guard.of("127.0.0.0/8").connect("rebinding.test", 80, Deadline.after(5))

    assert connected == [("127.0.0.1", 80)]


def test_only_those_addresses_of_a_host_are_tried_that_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [("10.0.0.1", 80), ("8.8.8.8", 80), ("8.8.4.4", 80)]
    tried = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        tried.append((address[0], timeout > 3))
        if address[0] == "8.8.8.8":
            raise ConnectionRefusedError(111, "Connection refused")
        return socket.socket()

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", each) for each in found])
    monkeypatch.setattr(socket, "create_connection", connect)

    Guard().connect("two.test", 80, Deadline.after(4)).close()

    assert tried == [("8.8.8.8", False), ("8.8.4.4", True)]


def test_a_host_without_an_address_may_have_one_later() -> None:
    with pytest.raises(Unreachable, match=r"The address of nowhere.invalid cannot be found"):
        Guard().connect("nowhere.invalid", 80, Deadline.after(5))
    with pytest.raises(Unreachable, match="timed out"):
        Guard().connect("localhost", 80, Deadline.after(0))
