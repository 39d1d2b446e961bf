"""Webhooks: signed after Standard Webhooks, with a CloudEvents 1.0 event as the body.

Options of a target: ``url``; ``secrets``, a list: each request is signed with all of them, so that the receiver can go
over from one to the next; ``headers`` that it wants besides.

The type of an event is ``io.tidegate.freshness.firing``, ``.resolved``, ``.digest`` or ``.acknowledged``,
``io.tidegate.trigger.fired`` or ``.blocked``, or ``io.tidegate.test``. Its ``data`` is the message as in
``triggers.messages.Message``, with times in ISO 8601 and labels as an object. Its ``id``, which is also ``webhook-id``,
and all else in the body is the same at each attempt.

Of a firing, ``data`` has the ``firing`` with what it consumed; ``run``, which whatever is started then should name as
its parent (``parent`` is the same as ``OPENLINEAGE_PARENT_ID`` wants it); the id of the ``action``; and ``body``, the
option of the action. Of an update that is held back it has the ``text`` instead of a run. A receiver that starts a run
may answer with a JSON object: ``run_id``, by which its events will know it, and ``url``, where people find it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from collector.outbound.fired import fired, node_of
from collector.outbound.sending import (
    MOST_SAID,
    SECOND,
    Acknowledgement,
    Context,
    Kind,
    Outcome,
    Parcel,
    Result,
    Unusable,
    option,
    outcome_of,
)
from collector.times import iso
from lineage.instants import parse_instant
from triggers.messages import Message
from triggers.rules import Target

PREFIX: Final = "whsec_"
SOURCE: Final = "/tidegate"
"""The same for all processes: events of one source and id are one event."""

TYPE: Final = "io.tidegate"


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Post an event."""
    secrets = target.options.get("secrets") or []
    if isinstance(secrets, str):
        secrets = [secrets]
    content = json.dumps(event(parcel), ensure_ascii=False, separators=(",", ":")).encode()
    # The parts of what is signed are joined by dots.
    identity = parcel.key.replace(".", "-")
    stamp = parcel.at // SECOND
    headers = {name.lower(): value for name, value in (target.options.get("headers") or {}).items()}
    headers["content-type"] = "application/cloudevents+json; charset=utf-8"
    headers |= {"webhook-id": identity, "webhook-timestamp": str(stamp)}
    if secrets:
        headers["webhook-signature"] = sign(secrets, identity, stamp, content)
    answer = context.http.request("POST", option(target, "url"), headers=headers, content=content)
    outcome = outcome_of(answer, parcel.at)
    if parcel.kind is Kind.ACTION and outcome.result is Result.DELIVERED:
        return replace(outcome, answer=_started(answer.body))
    return outcome


def sign(secrets: Sequence[str], identity: str, stamp: int, content: bytes) -> str:
    """Give the signatures for the header, one for each secret (``whsec_`` and base64); raises ``Unusable``."""
    signed = b"%s.%d.%s" % (identity.encode(), stamp, content)
    signatures = (hmac.digest(_key(secret), signed, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(signature).decode()}" for signature in signatures)


def event(parcel: Parcel) -> dict[str, Any]:
    """Give the event for something to send, as JSON has it."""
    if parcel.kind is Kind.ACKNOWLEDGEMENT:
        kind, subject, at, data = _acknowledged(parcel.acknowledgement)
    elif parcel.kind is Kind.ACTION:
        kind, subject, at, data = _fired(parcel.body)
    else:
        kind, subject, at, data = _told(parcel)
    return {
        "specversion": "1.0",
        "id": parcel.key.replace(".", "-"),
        "source": SOURCE,
        "type": f"{TYPE}.{kind}",
        "subject": subject,
        "time": iso(at),
        "datacontenttype": "application/json",
        "data": data,
    }


def subject_of(message: Message) -> str:
    """Name what a message is about: the node of its gravest alert, or its group if it has none."""
    items = message.alerts or message.resolved
    return items[0].node if items else message.group


def _told(parcel: Parcel) -> tuple[str, str, int, dict[str, Any]]:
    message = parcel.message
    data = message.data() | {"at": iso(message.at)}
    for name in ("alerts", "resolved"):
        data[name] = [
            item | {"starts": iso(item["starts"]), "ends": iso(item["ends"]), "labels": dict(item["labels"])}
            for item in data[name]
        ]
    kind = "digest" if message.digest else message.status
    kind = "test" if parcel.kind is Kind.TEST else f"freshness.{kind}"
    return kind, subject_of(message), message.at, data


def _fired(body: Mapping[str, Any]) -> tuple[str, str, int, dict[str, Any]]:
    firing, action, run = (body[part] for part in ("firing", "action", "run"))
    data = {"firing": firing, "action": action["id"]}
    if run is not None:
        data |= {"run": run, "parent": f"{run['namespace']}/{run['name']}/{run['id']}"}
    data |= {name: action[name] for name in ("body", "title", "text") if name in action}
    kind = "fired" if fired(firing) else "blocked"
    return f"trigger.{kind}", node_of(firing), parse_instant(firing["at"])[0], data


def _started(body: bytes) -> dict[str, str]:
    """Read what a receiver says of what it started."""
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(said, dict):
        return {}
    found = {name: said.get(name) for name in ("run_id", "url")}
    return {
        name: value for name, value in found.items() if isinstance(value, str) and 0 < len(value) <= MOST_SAID
    }


def _acknowledged(taken_on: Acknowledgement) -> tuple[str, str, int, dict[str, Any]]:
    data = taken_on._asdict() | {"at": iso(taken_on.at)}
    return "freshness.acknowledged", taken_on.group, taken_on.at, data


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        # Not from the error, which may quote the secret.
        raise Unusable(f"A secret of a webhook is {PREFIX} and base64.") from None
    return key
