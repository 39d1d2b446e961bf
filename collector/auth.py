"""Who may do what: API keys, their scopes, and the namespaces they are good for.

Without any key in the database everybody may do everything; the server then listens on loopback only.
"""

from __future__ import annotations

import fnmatch
import hmac
import ipaddress
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from collector.errors import ConfigurationError, Forbidden, Unauthorized
from collector.settings import Settings
from collector.storage import keys, sessions
from collector.storage.engine import Database

INGEST: Final = "ingest"
READ: Final = "read"
OPERATE: Final = "operate"
ADMIN: Final = "admin"
SCOPES: Final = (INGEST, READ, OPERATE, ADMIN)

IMPLIED: Final = {ADMIN: frozenset(SCOPES), OPERATE: frozenset({OPERATE, READ})}
"""What a scope brings along besides itself."""

RELOAD_SECONDS: Final = 0.5
"""How soon after the last look an unknown key makes us look again: a key just made shall work, a flood of
wrong ones shall not become a flood of queries."""

PORT: Final = re.compile(r":\d+$")


class Headers(Protocol):
    """Request headers, found by their names in lower case."""

    def get(self, name: str, /) -> str | None: ...


@dataclass(frozen=True)
class Principal:
    """Who is asking: a key, or anybody. ``namespaces`` are patterns as of a shell; none means all.

    ``key_id`` is that of the row in ``api_key``.
    """

    name: str
    scopes: frozenset[str]
    namespaces: tuple[str, ...] = ()
    key_id: int | None = field(default=None, compare=False)
    _pattern: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pattern = "|".join(fnmatch.translate(item) for item in self.namespaces)
        object.__setattr__(self, "_pattern", re.compile(pattern) if pattern else None)

    def allows(self, scope: str) -> bool:
        """Tell whether that may be done at all."""
        return scope in self.scopes

    def require(self, scope: str) -> None:
        """Raise ``Forbidden`` unless the scope is there."""
        if scope not in self.scopes:
            raise Forbidden(f"This API key lacks the scope {scope!r}.")

    @property
    def sees_all(self) -> bool:
        """True if no namespace is hidden."""
        return self._pattern is None

    def sees(self, namespace: str) -> bool:
        """Tell whether things of that namespace may be sent, or shown: of the job, or of the dataset."""
        return self._pattern is None or self._pattern.match(namespace) is not None


ANYBODY: Final = Principal("anybody", frozenset(SCOPES))


@dataclass(frozen=True, slots=True)
class _Known:
    """The keys as of one look at the database, by prefix."""

    at: float
    keys: dict[str, list[tuple[bytes, Principal]]]
    open: bool


class Authenticator:
    """Finds out who sends a request. Safe to use from several threads.

    All keys are held in memory, at most ``cache_seconds`` old: a key made, or revoked, takes effect within
    them. ``authenticate`` looks into the database itself when they are older; an event loop, which must not
    wait, calls ``refresh`` elsewhere whenever ``due`` says so.
    """

    def __init__(
        self, database: Database, cache_seconds: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._seconds = cache_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._known: _Known | None = None

    def authenticate(self, headers: Headers) -> Principal:
        """Give the owner of the request's key. Raises ``Unauthorized`` without a good one.

        ``Authorization: Bearer KEY`` comes before ``X-API-Key: KEY``. May raise ``DatabaseUnavailable``.
        """
        known = self._current()
        if known.open:
            return ANYBODY
        key = key_in(headers)
        found = _find(known, key)
        if found is None and self._clock() - known.at >= RELOAD_SECONDS:
            found = _find(self.refresh(), key)
        if found is None:
            raise Unauthorized("This API key is unknown or revoked.")
        return found

    def of_session(self, token: str, now: int) -> Principal:
        """Give whose session the token of a browser stands for (``now`` in µs UTC). Raises as ``authenticate`` does.

        A session is good for no longer than its key.
        """
        known = self._current()
        if known.open:
            return ANYBODY
        with self._database.read() as conn:
            key_id = sessions.key_of(conn, token, now)
        for owners in known.keys.values():
            for _hash, principal in owners:
                if principal.key_id == key_id:
                    return principal
        raise Unauthorized("You are not logged in any more.")

    def _current(self) -> _Known:
        known = self._known
        fresh = known is not None and self._clock() - known.at < self._seconds
        return known if known is not None and fresh else self.refresh()

    def due(self) -> bool:
        """Tell whether the keys will soon be too old, at half their time."""
        known = self._known
        return known is None or self._clock() - known.at >= self._seconds / 2

    def refresh(self) -> _Known:
        """Look at the keys in the database; threads that come at once share one look."""
        before = self._known
        with self._lock:
            if self._known is not None and self._known is not before:
                return self._known
            at = self._clock()  # before the query: what is revoked during it counts as old
            with self._database.read() as conn:
                stored = keys.every(conn)
            by_prefix: dict[str, list[tuple[bytes, Principal]]] = defaultdict(list)
            for key in stored:
                if key.revoked_at is None:
                    by_prefix[key.prefix].append((key.hash, principal_of(key)))
            # A key that was revoked must not open the doors: only having no key ever does.
            self._known = _Known(at, dict(by_prefix), open=not stored)
            return self._known


def principal_of(key: keys.StoredKey) -> Principal:
    """Give the rights of a key."""
    return Principal(key.name, expand(key.scopes), key.namespaces, key.id)


def expand(scopes: Iterable[str]) -> frozenset[str]:
    """Add what the scopes imply: ``admin`` everything, ``operate`` also ``read``."""
    return frozenset().union(*(IMPLIED.get(scope, frozenset({scope})) for scope in scopes))


def key_in(headers: Headers) -> str:
    """Take the key out of the headers. Raises ``Unauthorized`` if there is none."""
    scheme, _, credentials = (headers.get("authorization") or "").strip().partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    if key := (headers.get("x-api-key") or "").strip():
        return key
    raise Unauthorized


def check_bind(settings: Settings, has_keys: bool) -> None:
    """Raise ``ConfigurationError`` if the server would be open to the network without any key."""
    if has_keys or settings.insecure or is_loopback(settings.host):
        return
    raise ConfigurationError(
        f"Anybody who reaches {settings.host} could read and write everything, as there are no API keys. "
        "Create one (tidegate keys create --name NAME --scope ingest), or start with --insecure."
    )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_host(settings: Settings, host: str) -> None:
    """Raise ``Forbidden`` if ``host``, as a request to a server without keys names it, may be a stranger's name.

    A browser on this machine reaches it under a name of theirs that suddenly means this machine, which makes their
    page one of ours.
    """
    name = PORT.sub("", host).strip("[]").lower()
    if not settings.insecure and not _is_of_this_machine(name, settings.host):
        raise Forbidden(
            f"There are no API keys, so this server is for this machine alone, and {name!r} may be anybody's "
            "name for it. Call it localhost, create a key, or start it with --insecure."
        )


def check_origin(settings: Settings, host: str, origin: str | None) -> None:
    """Raise ``Forbidden`` if a page of another server sends this, blindly, to a server without keys."""
    if origin and not settings.insecure and origin.partition("://")[2] != host:
        raise Forbidden("There are no API keys, so pages of other servers may not change anything here.")


def check_emitter(principal: Principal, settings: Settings, host: str | None, origin: str | None) -> None:
    """Raise ``Forbidden`` if a stranger's page sends events to a server without keys.

    A browser says with each of them whose page it is; emitters do not, and may call the server what they like: from
    inside a container this machine has many names.
    """
    if principal is ANYBODY and origin:
        check_host(settings, host or "")
        check_origin(settings, host or "", origin)


def _is_of_this_machine(host: str, own: str) -> bool:
    if host == own.lower() or host.endswith(".localhost") or is_loopback(host):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True  # an address stays what it is


def _find(known: _Known, key: str) -> Principal | None:
    given = keys.digest(key)
    for stored, principal in known.keys.get(keys.prefix_of(key), ()):
        if hmac.compare_digest(given, stored):
            return principal
    return None
