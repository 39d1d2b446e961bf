"""Values that must not be seen: whatever writes log lines, or errors into tables, leaves them out."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus, unquote, urlsplit

HIDDEN: Final = "…"

TOKEN: Final = re.compile(r"(?=.*[A-Z0-9]).{6,}|.{16,}")
"""What in an address is taken for a secret by itself: anything, if it is hidden word by word, blacks out half a log."""


PASSWORD: Final = re.compile(
    r"(?<=://)(?P<user>[^/?#@:\s]*):[^\s,]*(?=@)"
    r"|(?P<name>[?&;]\w*(?:password|passwd|token|key|secret)=)[^&;#\s,]*",
    re.IGNORECASE,
)
"""What in an address is a password: behind the user's name, or as a parameter."""


def without_passwords(addresses: str) -> str:
    """Give a text with addresses in it, with ``***`` for each password."""
    return PASSWORD.sub(
        lambda found: f"{found['name']}***" if found["name"] else f"{found['user']}:***", addresses
    )


class _Hidden:
    """What this process has to keep to itself. Only grows: what was a secret yesterday may still be good somewhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        if not value or value in self._known:
            return
        with self._lock:
            self._known |= {value, *_forms(value)}
            # The longest first: of a secret within a secret no end may be left over.
            longest = sorted(filter(None, self._known), key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest)))

    def redact(self, text: str) -> str:
        pattern = self._pattern
        return pattern.sub(HIDDEN, text) if pattern else text


_hidden = _Hidden()


def hide(value: str) -> None:
    """Keep a value out of all that ``redact`` is asked about from now on, however it is written there."""
    _hidden.add(value)


def redact(text: str) -> str:
    """Give a text with ``…`` for each secret that this process has read."""
    return _hidden.redact(text)


def _forms(value: str) -> Iterator[str]:
    """Give the ways in which libraries write a value, and the parts of an address that are secrets in themselves."""
    for part in filter(None, (value, *_parts(value))):
        yield part
        yield quote(part, safe="")
        yield quote(part)
        yield quote_plus(part)
        yield unquote(part)
        yield json.dumps(part)[1:-1]
        yield repr(part)[1:-1]
        yield base64.b64encode(part.encode()).decode().rstrip("=")


def _parts(value: str) -> Iterator[str]:
    if "://" not in value:
        return
    try:
        url = urlsplit(value)
    except ValueError:
        return
    user, _, host = url.netloc.rpartition("@")
    # Where a service has no host of its own, the first of its tokens stands in the place of one.
    host = "" if url.scheme in ("http", "https") else host
    words = re.split(r"[/:?&=#]", "/".join((user, host, url.path, url.query, url.fragment)))
    yield from (part for part in words if TOKEN.fullmatch(part))
    yield user
    yield user.partition(":")[2]
