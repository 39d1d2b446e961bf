"""Sessions of browsers: who logged in with which key, until when. The browser holds a token, the table its hash."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from collector.storage.tables import web_session

TOKEN_BYTES: Final = 32


def make_token() -> str:
    """Make a token that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def begin(conn: Connection, token: str, key_id: int, now: int, until: int) -> None:
    """Keep that whoever shows the token has the rights of a key. Forgets the sessions that are over."""
    conn.execute(delete(web_session).where(web_session.c.expires_at <= now))
    conn.execute(
        insert(web_session).values(hash=digest(token), key_id=key_id, created_at=now, expires_at=until)
    )


def key_of(conn: Connection, token: str, now: int) -> int | None:
    """Give the id of the key that a session has the rights of; None if there is no such session any more."""
    return conn.execute(
        select(web_session.c.key_id).where(
            web_session.c.hash == digest(token), web_session.c.expires_at > now
        )
    ).scalar_one_or_none()


def end(conn: Connection, token: str) -> None:
    """End a session; nothing happens if there is none."""
    conn.execute(delete(web_session).where(web_session.c.hash == digest(token)))


def digest(token: str) -> bytes:
    """Hash a token as it is stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
