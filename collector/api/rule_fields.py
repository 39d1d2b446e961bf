"""Fields that rules are made of and the library has not: values of several forms, and objects of several kinds."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, ValidationError, fields, validate

from collector.api.fields import Text
from collector.api.shapes import said
from triggers.parts import WORDS

SHORT: Final = validate.Length(min=1, max=2000)
"""Characters of a text; of an address, a name of a dataset, a reason."""

ID: Final = r"^[A-Za-z0-9][A-Za-z0-9_.:\-]*$"
ID_TELLS: Final = "Must be of letters, digits and _ . : - only, with a letter or digit first."

LONGEST_ID: Final = 200
"""Characters, as the tables have room for."""

LONG: Final = Text(validate=validate.Length(max=20_000))
"""A text with which something else may be made."""

DEEPEST: Final = 10
TOO_DEEP: Final = f"Must not be more than {DEEPEST} levels deep."

FEW: Final = validate.Length(max=100)
MANY: Final = validate.Length(max=1000)


class Part(Schema):
    """Keys and values of a rule file."""

    error_messages = {"type": "Must be keys and values."}  # noqa: RUF012  # as the library has it


class Various(fields.Field[Any]):
    """A value of one of several forms, told apart by its type; kept as it was written."""

    def __init__(self, forms: Mapping[type, fields.Field[Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.forms = forms

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_kwargs: Any
    ) -> Any:
        form = self.forms.get(type(value))
        if form is None:
            raise ValidationError(f"Must be {' or '.join(WORDS[each] for each in self.forms)}.")
        return form.deserialize(value, attr, data)


class OneOrMany(Various):
    """A text, or a list of several; a list in any case when it has been read, unless it is to stay as it is."""

    def __init__(
        self,
        item: Callable[[], fields.Field[Any]] = lambda: Text(validate=SHORT),
        *,
        keep: bool = False,
        **kwargs: Any,
    ) -> None:
        several = fields.List(item(), validate=validate.Length(min=1, max=1000))
        super().__init__({str: item(), list: several}, **kwargs)
        self._keep = keep

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        found = super()._deserialize(value, attr, data, **kwargs)
        return found if self._keep or isinstance(found, list) else [found]


class Free(fields.Field[Any]):
    """Any JSON, some levels deep; texts in it as ``Text`` has them. ``form``, as JSON Schema has it, is only told."""

    def __init__(self, form: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.form = form

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_kwargs: Any
    ) -> Any:
        return self._read(value, DEEPEST)

    def _read(self, value: Any, deep: int) -> Any:
        if isinstance(value, str):
            return LONG.deserialize(value)
        if not isinstance(value, list | dict):
            if isinstance(value, float) and not math.isfinite(value):
                raise ValidationError("Must be a finite number.")
            return value
        if not deep:
            raise ValidationError(TOO_DEEP)
        if isinstance(value, list):
            return [self._under(number, item, deep) for number, item in enumerate(value)]
        if not all(isinstance(name, str) for name in value):
            raise ValidationError("Keys must be texts.")
        return {LONG.deserialize(name): self._under(name, item, deep) for name, item in value.items()}

    def _under(self, step: str | int, value: Any, deep: int) -> Any:
        try:
            return self._read(value, deep - 1)
        except ValidationError as error:
            raise ValidationError({step: error.messages}) from error


class ByKind(fields.Field[Any]):
    """An object whose ``kind`` says which other keys it has.

    ``own`` gives kinds beside, of somebody's own: what other keys those have only they know.
    """

    def __init__(
        self, kinds: Mapping[str, type[Schema]], own: Callable[[], Collection[str]] = tuple, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.kinds = {kind: fields.Nested(schema) for kind, schema in kinds.items()}
        self.own = own

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_kwargs: Any
    ) -> Any:
        if not isinstance(value, dict):
            raise ValidationError("Must be keys and values.")
        kind = value.get("kind")
        if isinstance(kind, str) and kind in self.kinds:
            return self.kinds[kind].deserialize(value, attr, data)
        own = self.own()
        if kind not in own:
            raise ValidationError({"kind": [f"Must be one of: {', '.join([*self.kinds, *sorted(own)])}."]})
        return Free().deserialize(value, attr, data)


class Keyed(fields.Dict):
    """Values by name, what is wrong with them told where they stand; the library adds a step to the path."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]  # of the library
        except ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            told = {name: wrong.get("key") or wrong["value"] for name, wrong in error.messages.items()}
            raise ValidationError(told) from error


def id_field(**kwargs: Any) -> Text:
    """Make a field for the id of a rule."""
    return Text(
        validate=[validate.Length(min=1, max=LONGEST_ID), validate.Regexp(ID, error=ID_TELLS)], **kwargs
    )


def text(said_: str = "", **kwargs: Any) -> Text:
    """Make a field for a text of some length; the second word may be more about it for editors."""
    more = {name: kwargs.pop(name) for name in ("examples", "default", "pattern") if name in kwargs}
    return Text(validate=SHORT, metadata=said(said_, **more) if said_ or more else {}, **kwargs)


def lasting(said_: str, **kwargs: Any) -> Text:
    """Make a field for a length of time."""
    return text(said_, pattern=DURATION, examples=["15m", "2h", "P1D"], **kwargs)


def clock_time(said_: str, **kwargs: Any) -> Text:
    """Make a field for a time of day."""
    return text(said_, pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["07:00"], **kwargs)


def weekdays() -> OneOrMany:
    """Make a field for days of the week."""
    return OneOrMany(metadata=said("`mon-fri`, `sat,sun` or a list; every day", examples=["mon-fri"]))


def hours() -> OneOrMany:
    """Make a field for parts of a day."""
    return OneOrMany(
        metadata=said("`07:00-20:00`; `22:00-04:00` ends on the next day; all day", examples=["07:00-20:00"])
    )


def moment(said_: str, **kwargs: Any) -> Text:
    """Make a field for a point in time."""
    return text(said_, examples=["2026-12-05T22:00", "2026-12-05T22:00+01:00"], **kwargs)


DURATION: Final = r"^(\d+[smhdw])+$|^P"


def describe(converter: OpenAPIConverter) -> None:
    """Teach the document of the API, or a JSON Schema, what these fields take."""

    def own(
        self: OpenAPIConverter, field: fields.Field[Any], ret: dict[str, Any], **_kwargs: Any
    ) -> dict[str, Any]:
        if isinstance(field, Various):
            return {"oneOf": [self.field2property(form) for form in field.forms.values()]}
        if isinstance(field, Free):
            return {"type": field.form} if field.form else {}
        if isinstance(field, ByKind):
            found = [self.field2property(kind) for kind in field.kinds.values()]
            if own := sorted(field.own()):
                found.append({"type": "object", "properties": {"kind": {"enum": own}}, "required": ["kind"]})
            return {"oneOf": found}
        if isinstance(field, Keyed) and field.key_field is not None:
            # What the library takes for the length of a text.
            return {
                "maxProperties": ret.pop("maxLength"),
                "propertyNames": self.field2property(field.key_field),
            }
        return {}

    for kind in (Various, ByKind, Free):
        converter.map_to_openapi_type(kind, None, None)  # type: ignore[no-untyped-call]  # of the library
    converter.add_attribute_function(own)  # type: ignore[no-untyped-call]  # of the library
