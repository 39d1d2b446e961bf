"""What the name of a dataset tells: its parts, and what its namespace says of the technology, server and database.

Tools write one table as one, two, three or four parts, and leave to the namespace what they leave out. Names are read
in their normal form (``lineage.naming``), for comparison only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from lineage.naming import OBJECTS, PORTS, SCHEMES

WHOLE = frozenset({"bigquery", "file"})
"""Namespaces that are a technology and nothing else (OpenLineage, Naming)."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Place:
    """What a namespace says of where its datasets are; None: it does not say.

    A namespace that is a job's, or that has a class path or a hash, says little. The server is a host with its port,
    a bucket, or a local file.
    """

    technology: str | None = None
    host: str | None = None
    port: str | None = None
    database: str | None = None
    """What may be the database: a path of one part, or a host without domain. Some tools write
    ``postgres://DATABASE``."""
    opaque: str | None = None
    """What follows a class path; it tells the servers of one tool apart, and no more."""


class Servers(StrEnum):
    """How the servers of two places compare."""

    SAME = "same"
    LOOPBACK = "loopback"
    """Two names of the machine itself."""
    SHORT = "short"
    """One host is the other with a domain."""
    UNTOLD = "untold"
    DIFFERENT = "different"
    """Two addresses, maybe of one server."""
    OTHER = "other"
    """Two files or buckets: these have one name each."""


@lru_cache(maxsize=10_000)
def place(namespace: str) -> Place:
    """Read a namespace."""
    scheme, mark, rest = namespace.partition("://")
    if not mark:
        return Place(namespace, "") if namespace in WHOLE else Place()
    technology = scheme.rpartition(".")[2].lower()
    technology = SCHEMES.get(technology, technology)
    if "." in scheme:  # a class path: what follows is no host, but whatever that class makes of it
        return Place(technology, opaque=rest)
    authority, _, path = rest.partition("/")
    if not authority:
        return Place(technology, f"/{path}")
    host, colon, port = authority.rpartition(":")
    if not colon or not port.isdecimal():
        host, port = authority, ""
    database: str | None = None
    if path and "/" not in path:
        database = path.casefold()
    elif not path and port in ("", PORTS.get(technology)) and "." not in host and host not in LOOPBACK:
        database = host.casefold()
    return Place(technology, host, port or None, database)


def servers(one: Place, other: Place) -> Servers:
    """Tell whether two places of one technology are on one server."""
    if one.host is None or other.host is None:
        # A tool that writes a hash for the host writes another hash for another host.
        return Servers.DIFFERENT if one.opaque and other.opaque and one != other else Servers.UNTOLD
    if one.port and other.port and one.port != other.port:
        return Servers.DIFFERENT
    if one.host == other.host:
        return Servers.SAME
    if one.technology in OBJECTS or "/" in (one.host[:1], other.host[:1]):
        return Servers.OTHER
    if {one.host, other.host} <= LOOPBACK:
        return Servers.LOOPBACK
    short, long = sorted((one.host, other.host), key=len)
    if long.startswith(f"{short}.") and not short.replace(".", "").isdecimal():
        return Servers.SHORT
    return Servers.DIFFERENT


@dataclass(frozen=True, slots=True)
class Parts:
    """A name, cut: ``lead`` is the text before the last two parts, as written (``shop.`` of ``shop.raw.orders``)."""

    lead: str
    key: str
    """The same for comparison: letter case aside, but for paths."""
    last: tuple[str, ...]
    """The last two parts, one where the name has no more; for comparison."""


def parts(name: str) -> Parts:
    """Cut a name at its dots; at its slashes if it has any."""
    separator = "/" if "/" in name else "."
    pieces = name.split(separator)
    lead = separator.join(pieces[:-2]) + separator if len(pieces) > 2 else ""
    if separator == "/":
        return Parts(lead, lead, tuple(pieces[-2:]))
    return Parts(lead, lead.casefold(), tuple(piece.casefold() for piece in pieces[-2:]))
