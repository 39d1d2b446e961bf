"""Deliveries: what is sent to targets, and what became of it; and the targets."""

from __future__ import annotations

from flask import url_for
from werkzeug.wrappers import Response

from collector.api import deliveries
from collector.api.delivery_shapes import STATES
from collector.web.asking import ask, do, parameters, twin
from collector.web.entry import Page, done
from collector.web.rendering import page

blueprint = Page("deliveries")


@blueprint.get("/deliveries")
def index() -> str:
    """List deliveries, what was queued last first."""
    asked = parameters(deliveries.list_deliveries)
    return page(
        "triggers/deliveries.html",
        deliveries=ask(deliveries.list_deliveries, asked),
        targets=ask(deliveries.list_targets)["items"],
        asked=asked,
        states=STATES,
        twin=twin(deliveries.list_deliveries, asked),
    )


@blueprint.get("/deliveries/<int:delivery_id>")
def show(delivery_id: int) -> str:
    """Show a delivery with what it says and the attempts to send it."""
    return page(
        "triggers/delivery.html",
        delivery=ask(deliveries.get_delivery, delivery_id=delivery_id),
        twin=twin(deliveries.get_delivery, delivery_id=delivery_id),
    )


@blueprint.post("/deliveries/<int:delivery_id>/retry")
def retry(delivery_id: int) -> Response:
    """Try a delivery again now."""
    do(deliveries.retry, {}, delivery_id=delivery_id)
    return done("It is tried again now.", url_for("web.deliveries.show", delivery_id=delivery_id))


@blueprint.post("/deliveries/<int:delivery_id>/cancel")
def cancel(delivery_id: int) -> Response:
    """Give up a delivery that waits."""
    do(deliveries.cancel, {}, delivery_id=delivery_id)
    return done("It is given up.", url_for("web.deliveries.show", delivery_id=delivery_id))


@blueprint.get("/targets")
def targets() -> str:
    """List whom something can be sent to, and how that goes."""
    return page(
        "triggers/targets.html", targets=ask(deliveries.list_targets), twin=twin(deliveries.list_targets)
    )


@blueprint.post("/targets/<target_id>/enable")
def enable(target_id: str) -> Response:
    """Send to a target again."""
    do(deliveries.enable, {}, target_id=target_id)
    return done(f"{target_id} is sent to again.", url_for("web.deliveries.targets"))


@blueprint.post("/targets/<target_id>/test")
def test(target_id: str) -> Response:
    """Send a target a message that only shows whether it works."""
    do(deliveries.test, {}, target_id=target_id)
    return done(f"A message to {target_id} is queued.", url_for("web.deliveries.index", target=target_id))
