"""Silences: what nobody need be told for a while."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

from collector.api import alert_shapes as shapes
from collector.api import cursors
from collector.api.access import require_everything, require_operate, signed
from collector.api.alias_shapes import NoQuery
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.services import reading, services
from collector.errors import FieldError, Unprocessable
from collector.questions.telling import alert_of
from collector.storage import silences
from collector.storage.alert_reads import EVERYTHING, open_rows
from collector.times import now_us
from triggers.alerts import Matcher, matches
from triggers.silences import Silence

blueprint = Native("silences", "What nobody need be told for a while.")

ID_BYTES = 6
"""Short enough to be typed; two of a million silences are one with a probability of 0.002."""

MOST_PREVIEWED = 20

ID = {"silence_id": "the id of the silence, as the list gives it"}


@blueprint.get("/silences", shapes.Silences, query=shapes.SilencesQuery)
def list_silences(query: dict[str, Any]) -> object:
    """List silences, those that end last first."""
    require_everything()
    after = cursors.decode(query.get("cursor"), cursors.BY_TIME_AND_TEXT)
    limit, now = limit_of(query), now_us()
    states = [silences.State(state) for state in query["state"]]
    with reading() as conn:
        page = silences.list_silences(conn, states, now, after=after, limit=limit)
    return cursors.answer(page.map(lambda each: document(each, now)))


@blueprint.get("/silences/<silence_id>", shapes.Silence, query=NoQuery, missing=True, path=ID)
def get_silence(_query: dict[str, Any], silence_id: str) -> object:
    """Give a silence."""
    require_everything()
    with reading() as conn:
        return document(silences.find(conn, silence_id), now_us())


@blueprint.post("/silences", shapes.Silence, body=shapes.SilenceBody, missing=True)
def put_silence(body: dict[str, Any]) -> object:
    """Make a silence, or change one.

    Alerts that all of its matchers pick out are looked at and kept as ever, but nobody is told of them.
    """
    require_operate()
    require_everything()
    now = now_us()
    wanted = silence_of(body | {"author": signed(body.get("author"), "$.author")}, now)
    database = services().database
    with database.write() as conn:
        kept = silences.put(conn, wanted, body.get("id"), now)
        database.notify(conn)
    return document(kept, now)


@blueprint.post("/silences/preview", shapes.Preview, body=shapes.PreviewBody)
def preview(body: dict[str, Any]) -> object:
    """Tell which open alerts a silence with these matchers would match.

    A pattern can take as long as it likes, so those need the scope `operate`.
    """
    require_everything()
    if any(matcher["regex"] for matcher in body["matchers"]):
        require_operate()
    matchers = [Matcher(**matcher) for matcher in body["matchers"]]
    with reading() as conn:
        found = [each for each in open_rows(conn, EVERYTHING) if matches(matchers, alert_of(each))]
    return {"items": found[:MOST_PREVIEWED], "total": len(found)}


@blueprint.post("/silences/<silence_id>/expire", shapes.Silence, body=shapes.NoBody, missing=True, path=ID)
def expire(_body: dict[str, Any], silence_id: str) -> object:
    """End a silence now; nothing happens to one that has ended."""
    require_operate()
    require_everything()
    database, now = services().database, now_us()
    with database.write() as conn:
        ended = silences.expire(conn, silence_id, now)
        database.notify(conn)
    return document(ended, now)


def silence_of(body: dict[str, Any], now: int) -> Silence:
    """Make a silence of what ``shapes.SilenceBody`` has read; raises ``Unprocessable`` if it is over already."""
    starts = body.get("starts_at", now)
    for place, wrong in (
        ("$.ends_at", body["ends_at"] <= max(now, starts) and "Must be after its start, and to come."),
        ("$.reason", not body["reason"].strip() and "Must say something."),
        ("$.author", not body["author"].strip() and "Must say who."),
    ):
        if wrong:
            raise Unprocessable(f"{place}: {wrong}", errors=(FieldError(place, wrong),))
    matchers = tuple(Matcher(**matcher) for matcher in body["matchers"])
    return Silence(
        token_hex(ID_BYTES), matchers, starts, body["ends_at"], body["author"], body["reason"], now
    )


def document(found: Silence, now: int) -> dict[str, Any]:
    """Give a silence as ``shapes.Silence`` writes it."""
    fields = {name: getattr(found, name) for name in found.__slots__}
    return fields | {"state": silences.state(found, now).value}
