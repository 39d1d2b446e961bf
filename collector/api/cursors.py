"""Cursors: the place in a list where the next page begins, opaque to the caller."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

import msgspec

from collector.errors import FieldError, Unprocessable
from collector.storage.pages import Key, Page

BigInt = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What the databases can compare with a BIGINT."""

SKIP = tuple[Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]]
"""How much of a walk has been given; all of it is walked again, so there is an end to it."""

BY_NAME = tuple[BigInt, str, BigInt]
BY_NAMESPACE = tuple[str, BigInt]
BY_ID = tuple[BigInt]
BY_TIME = tuple[BigInt, BigInt]
BY_TIME_OR_ID = tuple[BigInt | None, BigInt]
BY_TIME_AND_KEY = tuple[BigInt, BigInt, BigInt]
BY_TIME_AND_HASH = tuple[BigInt, bytes]
BY_PLACE = tuple[BigInt, BigInt, BigInt, BigInt]
BY_TEXT = tuple[str]
BY_TEXT_AND_ID = tuple[str, BigInt]
BY_TEXTS_AND_ID = tuple[str, str, BigInt]
BY_STANDING = tuple[BigInt, BigInt, str, BigInt]
BY_CAUSE = tuple[BigInt, BigInt, BigInt]
BY_ALERT = tuple[BigInt, BigInt, BigInt, BigInt]
BY_TIME_AND_TEXT = tuple[BigInt, str]
BY_CHANGE = tuple[BigInt, str, str]


def encode(key: Key) -> str:
    """Write a key as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode(cursor: str | None, shape: Any) -> Key | None:
    """Read a cursor whose key has this shape (a tuple type); raises ``Unprocessable``. None stays None."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key: Key = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=shape)
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError) as error:
        raise _bad() from error
    if any(isinstance(value, str) and "\0" in value for value in key):
        raise _bad()
    return key


def answer(page: Page[Any], **more: Any) -> dict[str, Any]:
    """Give a page as lists answer it."""
    return {"items": page.items, "next_cursor": None if page.next is None else encode(page.next), **more}


def _bad() -> Unprocessable:
    detail = "The cursor is not one of this list; begin again without it."
    return Unprocessable(detail, errors=(FieldError("?cursor", "not a cursor of this list"),))
