"""What people are told of a firing: a message like those about alerts, in the words of the action or in our own.

An action may have ``title`` and ``text``. If it has one of them only, that is what is said. What is told of an update
that a gate holds back has the same form; there is no firing then, and so no id of one, and no run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from collector.outbound.sending import Kind, Parcel
from lineage.instants import parse_instant
from triggers.conditions import NAMESPACE
from triggers.messages import LONGEST_TITLE, Message
from triggers.sentences import shortened

HOW: Final = {"data": "", "deadline": " at its deadline", "manual": " by hand"}
"""By the cause of a firing."""

MOST_DATASETS: Final = 5
"""Of one input that are named."""


def message_of(parcel: Parcel) -> Message:
    """Give what a parcel says; that of an action is in the words of the action, or else says what was consumed."""
    if parcel.kind is not Kind.ACTION:
        return parcel.message
    firing, action = parcel.body["firing"], parcel.body["action"]
    title, text = (_text(action.get(name)) for name in ("title", "text"))
    headline = headline_of(firing)
    return Message(
        id=parcel.key,
        # Whatever is told of a firing belongs together, whichever action tells it.
        group=firing["id"] or parcel.key,
        receiver="",
        at=parse_instant(firing["at"])[0],
        status="firing",
        reason="first",
        severity="warning" if firing["partial"] or not fired(firing) else "info",
        digest=False,
        title=shortened(title or text or headline, LONGEST_TITLE),
        text=text or title or "\n".join([f"{headline}:", *map(_input, firing["inputs"])]),
    )


def fired(firing: Mapping[str, Any]) -> bool:
    """Tell whether a trigger has fired, or its update is held back."""
    return firing["id"] is not None


def node_of(firing: Mapping[str, Any]) -> str:
    """Give the node of the graph that a trigger is."""
    return f"job:{NAMESPACE}:{firing['trigger']}"


def headline_of(firing: Mapping[str, Any]) -> str:
    """Say in a few words what happened."""
    about = f" for {firing['key']}" if firing["key"] else ""
    partly = ", with what was there" if firing["partial"] else ""
    return f"{firing['trigger']} fired{about}{HOW.get(firing['cause'], '')}{partly}"


def _input(each: Mapping[str, Any]) -> str:
    names = [f"{dataset['namespace']} {dataset['name']}" for dataset in each["datasets"]]
    more = f" and {len(names) - MOST_DATASETS} more" if len(names) > MOST_DATASETS else ""
    listed = ", ".join(names[:MOST_DATASETS]) + more
    updates = len(each["updates"])
    if not updates:
        return f"- {each['id']}: nothing came"
    latest = each["updates"][-1]
    job = latest.get("job")
    by = f" by {job['namespace']} {job['name']}" if job else ""
    count = "" if updates == 1 else f", {updates} updates"
    return f"- {each['id']}: {listed}{by}, {latest['received_at']}{count}"


def _text(value: Any) -> str:
    """Give a value that a template made as a text."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
