"""The kinds of values that parameters and answers are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError
from marshmallow import fields as ma

from collector.times import iso
from lineage.instants import parse_duration, parse_instant


class Instant(ma.Field[int]):
    """Microseconds since 1970 inside, ISO 8601 in UTC outside. Without an offset it is taken as UTC."""

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **_kwargs: Any) -> str | None:
        return iso(value)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_kwargs: Any
    ) -> int:
        # A plus that was not escaped has become a space on the way: 2026-11-22T05:00:00+01:00.
        try:
            return parse_instant(str(value).replace(" ", "+") if "T" in str(value) else str(value))[0]
        except ValueError as error:
            raise ValidationError("Not a time; write it as 2026-11-22T05:00:00Z.") from error


class Duration(ma.Field[int]):
    """Microseconds inside, ISO 8601 outside: ``P7D``, ``PT12H``. Years and months have no fixed length."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_kwargs: Any
    ) -> int:
        try:
            return parse_duration(str(value))
        except ValueError as error:
            raise ValidationError("Not a duration; write it as P7D or PT12H.") from error


class Text(ma.String):
    """A text as events are stored: U+FFFD stands for what no database keeps, U+0000 and halves of surrogate pairs."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Whole(ma.Integer):
    """A whole number in decimal digits; Python's own reading takes ``1_000`` and digits of any script."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if isinstance(value, str) and not (
            value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20
        ):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)
