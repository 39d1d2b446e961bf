"""Where the server may connect to: targets are written by many, and must not reach what only the server reaches.

A host name is looked up here, and the connection goes to the very address that was checked: a second look-up could
give another one. What an operator wants to reach although it is private is named in the setting ``outbound_allow``.
"""

from __future__ import annotations

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from collector.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NOT_PUBLIC: Final = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # protocol assignments; a cloud has its metadata here
            "192.88.99.0/24",  # relays of 6to4, no longer in use
            "168.63.129.16/32",  # a cloud's own services, at an address that looks public
        ),
    )
)
"""Besides what the standard library knows as not global; its tables differ by its version."""

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
NOT_UNICAST: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
"""What is special within it: protocol assignments with Teredo, documentation, and 6to4, which hides an old address."""

NAT64: Final = IPv6Network("64:ff9b::/96")
"""How a host without an old address of its own reaches old addresses; the last 32 bits are that address."""

LOOKUPS: Final = ThreadPoolExecutor(8, thread_name_prefix="lookup")
"""Looks up names: the system's own function has no time limit."""


class Forbidden(Exception):
    """The receiver is somewhere that nothing is sent to."""


class Unreachable(Exception):
    """The receiver cannot be reached now, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of the time that something may take in all, by the monotonic clock in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Begin now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Give the seconds that are left; raises ``TimeoutError`` if none are."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def passed(self) -> bool:
        """Tell whether no time is left."""
        return time.monotonic() >= self.at


@dataclass(frozen=True, slots=True)
class Guard:
    """Tells where to connect to, and connects."""

    hosts: frozenset[str] = frozenset()
    """Names that may be anywhere, in lower case."""
    networks: tuple[Network, ...] = field(default=())
    """Addresses that may be connected to although they are private."""

    @classmethod
    def of(cls, allowed: str) -> Guard:
        """Read the setting: names and networks, separated by commas; raises ``ConfigurationError``."""
        hosts: set[str] = set()
        networks: list[Network] = []
        for entry in filter(None, (part.strip() for part in allowed.split(","))):
            try:
                networks.append(ip_network(entry, strict=False))
            except ValueError as error:
                if not re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?", entry):
                    raise ConfigurationError(
                        f"outbound_allow: {entry!r} is neither a host name nor a network such as 10.0.0.0/8."
                    ) from error
                hosts.add(_normal(entry))
        return cls(frozenset(hosts), tuple(networks))

    def connect(self, host: str, port: int, deadline: Deadline) -> socket.socket:
        """Connect to a host at an address that is allowed.

        Raises:
            Forbidden: none of its addresses is.
            Unreachable: it has no address, or does not take the connection in time.
        """
        found = lookup(host, port, deadline)
        good = [address for address in found if self.allows(host, address)]
        if not good:
            raise _forbidden(host, found[0])
        error: OSError | None = None
        for number, address in enumerate(good):
            try:
                # One address that swallows everything must not take the time of the others.
                return socket.create_connection((str(address), port), deadline.left() / (len(good) - number))
            except OSError as failed:
                error = failed
        raise Unreachable(f"{host}:{port} cannot be reached: {describe(error)}.") from error

    def allows(self, host: str, address: Address) -> bool:
        """Tell whether to connect to an address that a host has."""
        real = meant(address)
        return (
            _normal(host) in self.hosts
            or is_public(real)
            or any(real in network for network in self.networks)
        )

    def check(self, host: str, deadline: Deadline) -> None:
        """Refuse a host to which something else will connect by itself; raises as ``connect`` does."""
        found = lookup(host, 0, deadline)
        for address in found:
            if not self.allows(host, address):
                raise _forbidden(host, address)


def lookup(host: str, port: int, deadline: Deadline) -> list[Address]:
    """Look up the addresses of a host, at least one; raises ``Unreachable``."""
    try:
        entries = LOOKUPS.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(
            deadline.left()
        )
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The address of {host} cannot be found: {describe(error)}.") from error
    # Of a link-local address the interface follows a percent sign.
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries))


def meant(address: Address) -> Address:
    """Give the address that packets to this one go to: old ones are also written in the form of new ones."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Tell whether an address, as ``meant`` gives it, is of one host on the internet."""
    if address.is_multicast or not address.is_global:
        return False
    if isinstance(address, IPv6Address):
        return address in GLOBAL_UNICAST and not any(address in network for network in NOT_UNICAST)
    return not any(address in network for network in NOT_PUBLIC)


def describe(error: BaseException | None) -> str:
    """Say in words of the system what went wrong with a connection."""
    if isinstance(error, TimeoutError):
        return "timed out"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _forbidden(host: str, address: Address) -> Forbidden:
    return Forbidden(
        f"{host} is at {address}, where nothing is sent to; the setting outbound_allow can allow it."
    )


def _normal(host: str) -> str:
    return host.rstrip(".").lower()
