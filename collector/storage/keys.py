"""API keys: made here, shown once, stored as a hash.

A key is ``tg_PREFIX_SECRET``. The prefix tells keys apart in listings and logs and finds the row; the secret
has 256 bits, so a fast hash is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Row, select

from collector.storage.tables import api_key

ALPHABET: Final = string.ascii_lowercase + string.digits
PREFIX_LENGTH: Final = 8
SECRET_LENGTH: Final = 50
"""36 characters to the power of 50 are 258 bits."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One row of ``api_key``. Without ``namespaces`` the key is good for all of them."""

    id: int
    name: str
    prefix: str
    hash: bytes
    scopes: tuple[str, ...]
    namespaces: tuple[str, ...]
    created_at: int
    revoked_at: int | None


def create(
    conn: Connection, name: str, scopes: Sequence[str], namespaces: Sequence[str], now: int
) -> tuple[str, StoredKey]:
    """Make a key; the text of it, first of the two, is given this once and cannot be had again."""
    prefix = "".join(secrets.choice(ALPHABET) for _ in range(PREFIX_LENGTH))
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    text = f"tg_{prefix}_{secret}"
    values = {
        "name": name,
        "prefix": prefix,
        "hash": digest(text),
        "scopes": json.dumps(list(scopes)),
        "namespaces": json.dumps(list(namespaces)),
        "created_at": now,
    }
    row = conn.execute(api_key.insert().values(values).returning(api_key)).one()
    return text, _stored(row)


def every(conn: Connection) -> list[StoredKey]:
    """List all keys, revoked ones too, oldest first."""
    return [_stored(row) for row in conn.execute(select(api_key).order_by(api_key.c.id))]


def revoke(conn: Connection, prefix: str, now: int) -> StoredKey | None:
    """Revoke a key for good and give it; None if there is none with that prefix. Twice is once."""
    statement = (
        api_key.update()
        .where(api_key.c.prefix == prefix, api_key.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    conn.execute(statement)
    row = conn.execute(select(api_key).where(api_key.c.prefix == prefix)).one_or_none()
    return _stored(row) if row else None


def digest(key: str) -> bytes:
    """Hash a key as it is stored."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def prefix_of(key: str) -> str:
    """Give the prefix of a key; an empty text if it is not shaped like one."""
    mark, _, rest = key.partition("_")
    prefix, _, secret = rest.partition("_")
    return prefix if mark == "tg" and secret else ""


def _stored(row: Row[tuple[object, ...]]) -> StoredKey:
    values = dict(row._mapping)
    values["scopes"] = tuple(json.loads(values["scopes"]))
    values["namespaces"] = tuple(json.loads(values["namespaces"]))
    return StoredKey(**values)
