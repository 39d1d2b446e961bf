"""What was sent to whom, and what could not be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from collector.api import cursors
from collector.api import delivery_shapes as shapes
from collector.api.access import require_everything, require_operate
from collector.api.alert_shapes import NoBody
from collector.api.alias_shapes import NoQuery
from collector.api.native import Native
from collector.api.parameters import LAST_ID, limit_of
from collector.api.services import reading, services
from collector.errors import NotFound
from collector.outbound import trial
from collector.storage import outbox, outbox_reads
from collector.storage.outbox_reads import Receiver
from collector.times import now_us

blueprint = Native("deliveries", "What was sent to whom, and what could not be.")

ID = {"delivery_id": "the id of the delivery, as the list gives it"}
TARGET = {"target_id": "the id of the target in the rules"}


@blueprint.get("/deliveries", shapes.Deliveries, query=shapes.DeliveriesQuery)
def list_deliveries(query: dict[str, Any]) -> object:
    """List what was sent or is to be, what was queued last first."""
    require_everything()
    after = cursors.decode(query.get("cursor"), cursors.BY_ID)
    limit = limit_of(query)
    with reading() as conn:
        page = outbox_reads.page(
            conn, state=query.get("state"), target=query.get("target"), after=after, limit=limit
        )
    return cursors.answer(page)


@blueprint.get("/deliveries/<int:delivery_id>", shapes.DeliveryDetail, query=NoQuery, missing=True, path=ID)
def get_delivery(_query: dict[str, Any], delivery_id: int) -> object:
    """Give a delivery with what it says and the attempts to send it."""
    require_everything()
    with reading() as conn:
        return document(conn, delivery_id)


@blueprint.post(
    "/deliveries/<int:delivery_id>/retry", shapes.DeliveryDetail, body=NoBody, missing=True, path=ID
)
def retry(_body: dict[str, Any], delivery_id: int) -> object:
    """Try a delivery again now: one that is dead or was cancelled, or that waits.

    To the receiver it is the same one: it has the same key.
    """
    return _change(delivery_id, lambda conn: outbox.retry(conn, now_us(), ids=[delivery_id]))


@blueprint.post(
    "/deliveries/<int:delivery_id>/cancel", shapes.DeliveryDetail, body=NoBody, missing=True, path=ID
)
def cancel(_body: dict[str, Any], delivery_id: int) -> object:
    """Give up a delivery that waits; what is being sent right now may arrive all the same."""
    return _change(delivery_id, lambda conn: outbox.cancel(conn, [delivery_id], now_us()))


@blueprint.get("/targets", shapes.Targets, query=NoQuery)
def list_targets(_query: dict[str, Any]) -> object:
    """List whom something can be sent to, and how that goes."""
    require_everything()
    with reading() as conn:
        return {"items": outbox_reads.receivers(conn)}


@blueprint.post("/targets/<target_id>/enable", shapes.Target, body=NoBody, missing=True, path=TARGET)
def enable(_body: dict[str, Any], target_id: str) -> object:
    """Send to a target again that has answered 410, or that is left alone for a while."""
    require_operate()
    require_everything()
    database = services().database
    with database.write() as conn:
        found = target(conn, target_id)
        outbox.enable(conn, target_id)
        database.notify(conn)
        return target(conn, found.id)


@blueprint.post("/targets/<target_id>/test", shapes.Queued, body=NoBody, missing=True, path=TARGET)
def test(_body: dict[str, Any], target_id: str) -> object:
    """Send a target a message that only shows whether it works."""
    require_operate()
    require_everything()
    database = services().database
    with database.write() as conn:
        key = trial.queue(conn, target_id, now_us())
        database.notify(conn)
    return {"key": key}


def document(conn: Connection, delivery_id: int) -> dict[str, Any]:
    """Give a delivery as ``shapes.DeliveryDetail`` writes it; raises ``NotFound``."""
    found = outbox_reads.find(conn, delivery_id) if delivery_id <= LAST_ID else None
    if found is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    delivery, body, tried = found
    attempts = [asdict(each) | {"seconds": each.took / 1e6} for each in tried]
    return asdict(delivery) | {"body": body, "tried": attempts}


def target(conn: Connection, target_id: str) -> Receiver:
    """Find a target; raises ``NotFound``."""
    for found in outbox_reads.receivers(conn):
        if found.id == target_id:
            return found
    raise NotFound(f"There is no target {target_id}.")


def _change(delivery_id: int, change: Callable[[Connection], int]) -> object:
    require_operate()
    require_everything()
    database = services().database
    with database.write() as conn:
        document(conn, delivery_id)
        change(conn)
        database.notify(conn)
        return document(conn, delivery_id)
