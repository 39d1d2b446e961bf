"""Events for webhooks: their signature, verified by another hand, and what is in them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from collector.outbound.http import Answer
from collector.outbound.sending import Kind, Outcome, Result, Unusable, outcome_of, retry_after
from collector.outbound.webhook import event, sign
from tests.parcels import AT, acknowledged, item, message, parcel
from triggers.messages import Message

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def verifies(header: str, secret: str, identity: str, stamp: int, content: bytes) -> bool:
    """Verify as the specification tells receivers to, by hand."""
    key = base64.b64decode(secret[len("whsec_") :])
    mac = hmac.new(key, digestmod=hashlib.sha256)
    mac.update(f"{identity}.{stamp}.".encode())
    mac.update(content)
    offered = [part.split(",", 1) for part in header.split(" ")]
    expected = base64.b64encode(mac.digest()).decode()
    return any(version == "v1" and hmac.compare_digest(each, expected) for version, each in offered)


def test_the_example_of_the_specification_is_signed_as_there() -> None:
    content = b'{"test": 2432232314}'
    signed = sign([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, content)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_secret_signs_and_no_other_verifies() -> None:
    old, new = ("whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    content = json.dumps(event(parcel())).encode()
    header = sign([new, old], "k", 5, content)

    assert verifies(header, old, "k", 5, content)
    assert verifies(header, new, "k", 5, content)
    assert not verifies(header, SECRET, "k", 5, content)
    assert not verifies(header, old, "k", 6, content)
    assert not verifies(header, old, "j", 5, content)
    assert not verifies(header, old, "k", 5, content + b" ")


@pytest.mark.parametrize("wrong", ["whsec_", "whsec_not base64", "plain-text", ""])
def test_a_secret_that_is_none_is_told_and_not_shown(wrong: str) -> None:
    with pytest.raises(Unusable) as caught:
        sign([wrong], "k", 5, b"")
    assert not wrong or wrong == "whsec_" or wrong not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_event_is_a_cloud_event_about_the_gravest_alert() -> None:
    found = event(parcel())
    data = found.pop("data")

    assert found == {
        "specversion": "1.0",
        "id": "k" * 32,
        "source": "/tidegate",
        "type": "io.tidegate.freshness.firing",
        "subject": "dataset:shop:orders",
        "time": "2026-11-22T07:00:00.000000Z",
        "datacontenttype": "application/json",
    }
    assert data["at"] == "2026-11-22T07:00:00.000000Z"
    assert data["title"] == "shop:orders is late"
    (alert,) = data["alerts"]
    assert alert["labels"] == {"release": "2026-11-22"}
    assert (alert["starts"], alert["ends"]) == ("2026-11-22T06:59:00.000000Z", None)
    assert alert["path"] == ["job:shop:load", "dataset:shop:orders"]
    assert json.loads(json.dumps(found | {"data": data})) == found | {"data": data}


@pytest.mark.parametrize(
    ("said", "kind", "type_", "subject"),
    [
        (
            message(status="resolved", alerts=(), resolved=(item(node="dataset:a:b", ends=AT),)),
            Kind.NOTIFICATION,
            "io.tidegate.freshness.resolved",
            "dataset:a:b",
        ),
        (message(digest=True), Kind.NOTIFICATION, "io.tidegate.freshness.digest", "dataset:shop:orders"),
        (message(alerts=()), Kind.TEST, "io.tidegate.test", "a" * 32),
    ],
)
def test_the_type_says_what_it_is(said: Message, kind: Kind, type_: str, subject: str) -> None:
    found = event(parcel(said, kind=kind))
    assert (found["type"], found["subject"]) == (type_, subject)


def test_an_acknowledgement_is_an_event_of_its_own() -> None:
    found = event(acknowledged())
    assert (found["type"], found["subject"]) == ("io.tidegate.freshness.acknowledged", "a" * 32)
    assert found["data"] == {
        "group": "a" * 32, "by": "anna", "note": "on it", "at": "2026-11-22T07:00:00.000000Z"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "result", "away"),
    [
        (200, Result.DELIVERED, False), (204, Result.DELIVERED, False), (301, Result.REFUSED, False),
        (307, Result.REFUSED, False), (400, Result.REFUSED, False), (401, Result.REFUSED, False),
        (404, Result.REFUSED, False), (408, Result.RETRY, False), (410, Result.GONE, False),
        (425, Result.RETRY, False), (429, Result.RETRY, True), (500, Result.RETRY, False),
        (502, Result.RETRY, True), (503, Result.RETRY, True), (504, Result.RETRY, True),
    ],
)  # fmt: skip
def test_what_a_status_means(status: int, result: Result, away: bool) -> None:
    found = outcome_of(Answer(status, {}, b"so it is"), AT)
    assert (found.result, found.status, found.away) == (result, status, away)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("120", 120), (" 0 ", 0), ("9" * 50, 9_999_999_999), ("-5", None), ("1.5", None),
        ("soon", None), ("Sun, 22 Nov 2026 07:02:00 GMT", 120), ("Sun, 22 Nov 2026 06:00:00 GMT", 0),
        ("Sunday, 22-Nov-26 07:02:00 GMT", 120), ("Sun Nov 22 07:02:00 2026", 120),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: Any) -> None:
    assert retry_after(header, AT) == (None if seconds is None else seconds * 1_000_000)


def test_what_was_answered_is_kept_in_short() -> None:
    found: Outcome = outcome_of(Answer(400, {}, b"no\n\tsuch \xff hook" + b"x" * 10_000), AT)
    assert found.error is not None
    assert found.error.startswith("answered 400: no such \ufffd hookxxx")
    assert len(found.error) < 600
