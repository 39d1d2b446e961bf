"""What administrators take and get: keys, settings, and what the server is made of."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from collector.api.fields import Instant, Text
from collector.api.shapes import said
from collector.auth import SCOPES

_NAME = validate.Length(min=1, max=255)
_PATTERN = validate.Length(min=1, max=500)


class Key(Schema):
    """An API key; the key itself is stored as a hash."""

    prefix = fields.String(required=True, metadata=said("how the key begins, after `tg_`"))
    name = fields.String(required=True, metadata=said("what or whom it is for"))
    scopes = fields.List(fields.String(), required=True)
    namespaces = fields.List(
        fields.String(), required=True, metadata=said("patterns; good for these only. None: for all")
    )
    created_at = Instant(required=True)
    revoked_at = Instant(required=True, allow_none=True)


class Keys(Schema):
    """All keys, the revoked ones too."""

    items = fields.List(fields.Nested(Key), required=True, metadata=said("the oldest first"))
    open = fields.Boolean(
        required=True, metadata=said("there never was a key: everybody who gets here may do everything")
    )


class KeyBody(Schema):
    """A key to make."""

    name = Text(required=True, validate=_NAME, metadata=said("what or whom it is for"))
    scopes = fields.List(
        Text(validate=validate.OneOf(SCOPES)),
        required=True,
        validate=validate.Length(min=1),
        metadata=said("`operate` brings `read` along, `admin` everything"),
    )
    namespaces = fields.List(
        Text(validate=_PATTERN),
        load_default=list,
        validate=validate.Length(max=100),
        metadata=said("patterns as of a shell: `postgres://*`; all if not given"),
    )


class NewKey(Key):
    """A key that was made."""

    key = fields.String(required=True, metadata=said("the key itself, this once"))


class Setting(Schema):
    """A setting in force."""

    name = fields.String(required=True)
    value = fields.String(required=True, metadata=said("passwords in addresses are left out"))
    source = fields.String(required=True, metadata={"enum": ["default", "file", "environment", "option"]})
    help = fields.String(required=True)


class SettingsInForce(Schema):
    """The settings of this process."""

    items = fields.List(fields.Nested(Setting), required=True)


class Library(Schema):
    """A library that the server is made of."""

    name = fields.String(required=True)
    version = fields.String(required=True)


class Versions(Schema):
    """What the server is made of."""

    tidegate = fields.String(required=True)
    python = fields.String(required=True)
    platform = fields.String(required=True)
    libraries = fields.List(fields.Nested(Library), required=True)


class TableRows(Schema):
    """How many rows a table has."""

    table = fields.String(required=True)
    rows = fields.Integer(required=True)
    more = fields.Boolean(required=True, metadata=said("than were counted"))


class DatabaseAbout(Schema):
    """The database."""

    kind = fields.String(required=True, metadata={"enum": ["sqlite", "postgresql"]})
    version = fields.String(required=True)
    url = fields.String(required=True, metadata=said("without the password"))
    bytes = fields.Integer(required=True)
    revision = fields.String(required=True, allow_none=True, metadata=said("of its tables"))
    needed = fields.String(required=True, metadata=said("the revision that this version needs"))
    tables = fields.List(fields.Nested(TableRows), required=True)


class Loop(Schema):
    """A part of the server of which one process at a time is the active one."""

    name = fields.String(required=True)
    holder = fields.String(
        required=True, allow_none=True, metadata=said("host, process id, and a random part; null: nobody")
    )
    until = Instant(required=True, allow_none=True, metadata=said("unless it goes on"))
    active = fields.Boolean(required=True)
    waiting = fields.Integer(required=True, metadata=said("what it has yet to do"))
    lag = fields.Float(required=True, metadata=said("seconds since the oldest of that came"))


class About(Schema):
    """What the server is, and how its parts are doing."""

    versions = fields.Nested(Versions, required=True)
    database = fields.Nested(DatabaseAbout, required=True)
    loops = fields.List(fields.Nested(Loop), required=True)
