"""Each kind of target, against servers that speak its language."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import apprise
import pytest

from collector.outbound.guard import Forbidden, Guard, Unreachable
from collector.outbound.http import Http, NoAnswer
from collector.outbound.senders import SENDERS
from collector.outbound.sending import Context, Kind, Outcome, Parcel, Result, Unusable
from tests.parcels import acknowledged, item, message, parcel
from tests.receivers import DROP, LOOPBACK, HttpReceiver, SmtpReceiver, answer, certified, hang, redirect
from triggers.rules import Target

ALLOWED = Guard.of("127.0.0.0/8")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def context(timeout: float = 5.0, allowed: Guard = ALLOWED, tls: ssl.SSLContext | None = None) -> Context:
    http = Http(allowed, timeout)
    return Context(allowed, replace(http, tls=tls) if tls else http, timeout)


def send(kind: str, options: dict[str, Any], said: Parcel | None = None, **how: Any) -> Outcome:
    return SENDERS[kind](Target("it", kind, options), said or parcel(), context(**how))


def test_a_webhook_gets_a_signed_event_the_same_at_each_attempt() -> None:
    with HttpReceiver(answer(500), answer(204)) as receiver:
        options = {
            "url": receiver.url,
            "secrets": SECRET,
            "headers": {"X-Team": "data", "Webhook-Id": "forged"},
        }
        first = send("webhook", options, parcel(key="1.2"))
        second = send("webhook", options, replace(parcel(key="1.2"), at=parcel().at + 60_000_000, attempt=2))

    assert (first.result, second.result) == (Result.RETRY, Result.DELIVERED)
    one, other = receiver.received
    assert one.body == other.body
    assert json.loads(one.body)["data"]["text"].endswith("ünïcödé.")
    assert one.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert one.headers["webhook-id"] == other.headers["webhook-id"] == "1-2"
    assert int(other.headers["webhook-timestamp"]) - int(one.headers["webhook-timestamp"]) == 60
    assert one.headers["webhook-signature"].startswith("v1,")
    assert one.headers["webhook-signature"] != other.headers["webhook-signature"]
    assert one.headers["x-team"] == "data"


def test_pagerduty_is_told_at_its_path() -> None:
    with HttpReceiver(answer(202, b'{"status": "success"}')) as receiver:
        base = f"http://{LOOPBACK}:{receiver.port}"
        for url in (base, f"{base}/", f"{base}/v2/enqueue"):
            outcome = send("pagerduty", {"routing_key": "R", "url": url}, acknowledged())
            assert outcome.result is Result.DELIVERED

    assert {request.path for request in receiver.received} == {"/v2/enqueue"}
    assert json.loads(receiver.received[0].body) == {
        "routing_key": "R",
        "event_action": "acknowledge",
        "dedup_key": "a" * 32,
    }


MAIL = {
    "from": "Tide <tide@a.test>",
    "to": ["ops@a.test", "Böss <boss@b.test>"],
    "security": "none",
    "host": LOOPBACK,
}


def _content(mail: EmailMessage) -> str:
    content: str = mail.get_content()
    return content.replace("\r\n", "\n")


def test_mails_of_a_group_are_a_thread() -> None:
    with SmtpReceiver() as receiver:
        options = MAIL | {"port": receiver.port}
        assert send("email", options) == Outcome(Result.DELIVERED)
        over = message(
            status="resolved", title="all is\nwell", alerts=(), resolved=(item(),), text=".\n..dots\n"
        )
        assert send("email", options, parcel(over, key="other")).result is Result.DELIVERED

    first, second = receiver.mails
    assert receiver.recipients[0] == ["TO:<ops@a.test>", "TO:<boss@b.test>"]
    assert first["Subject"] == "shop:orders is late"
    assert first["From"] == "Tide <tide@a.test>"
    assert _content(first) == message().text + "\n"
    assert first["Date"].datetime.isoformat() == "2026-11-22T07:00:00+00:00"
    assert first["Message-ID"] == f"<{'k' * 32}@a.test>"
    assert (second["Subject"], second["Message-ID"]) == ("all is well", "<other@a.test>")
    assert _content(second) == ".\n..dots\n"
    assert first["References"] == second["References"] == first["In-Reply-To"] == f"<group-{'a' * 32}@a.test>"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mails_go_out_encrypted_to_the_server_of_that_name(security: str) -> None:
    server, client = certified("localhost")
    login = {"username": "anna", "password": "s3cret"}
    with SmtpReceiver(starttls=server) if security == "starttls" else SmtpReceiver(tls=server) as receiver:
        options = MAIL | login | {"security": security, "host": "localhost", "port": receiver.port}
        assert send("email", options, tls=client).result is Result.DELIVERED
        assert "AUTH" in receiver.commands
        with pytest.raises(Unreachable, match="certificate verify failed"):
            send("email", options)
        with pytest.raises(Unreachable, match="IP address mismatch"):
            send("email", options | {"host": LOOPBACK}, tls=client)
    assert len(receiver.mails) == 1


def test_a_server_that_cannot_encrypt_gets_no_mail() -> None:
    with SmtpReceiver() as receiver:
        outcome = send("email", MAIL | {"port": receiver.port, "security": "starttls"})
    assert (outcome.result, outcome.error) == (Result.REFUSED, "STARTTLS extension not supported by server.")
    assert receiver.mails == []


@pytest.mark.parametrize(
    ("replies", "result", "status"),
    [
        ({"MAIL": ["550 not you"]}, Result.REFUSED, 550),
        ({"MAIL": ["451 later"]}, Result.RETRY, 451),
        ({"RCPT": ["550 who?"]}, Result.REFUSED, 550),
        ({"RCPT": ["550 who?", "450 later"]}, Result.RETRY, 450),
        ({"DATA": ["554 spam"]}, Result.REFUSED, 554),
        ({"AUTH": ["535 no"]}, Result.REFUSED, 535),
        ({"EHLO": ["421 busy"], "HELO": ["421 busy"]}, Result.RETRY, 421),
        ({"RCPT": ["550 who?", "250 OK"]}, Result.DELIVERED, None),
    ],
)
def test_what_a_mail_server_answers(
    replies: dict[str, list[str]], result: Result, status: int | None
) -> None:
    login = {"username": "anna", "password": "s3cret"} if "AUTH" in replies else {}
    with SmtpReceiver(replies) as receiver:
        outcome = send("email", MAIL | login | {"port": receiver.port})
    assert (outcome.result, outcome.status) == (result, status)
    assert outcome.error
    if result is Result.DELIVERED:
        assert outcome.error == "not to all: ops@a.test: 550 who?"


def test_a_mail_server_that_is_slow_is_given_up() -> None:
    with SmtpReceiver(slowly=True) as receiver:
        began = time.monotonic()
        with pytest.raises(Unreachable, match=f"{LOOPBACK}: timed out"):
            send("email", MAIL | {"port": receiver.port}, timeout=0.5)
        assert time.monotonic() - began < 1
    with pytest.raises(Unreachable, match="Connection refused"):
        send("email", MAIL | {"port": receiver.port})
    with pytest.raises(Forbidden):
        send("email", MAIL | {"port": receiver.port}, allowed=Guard())


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_mail_that_may_have_arrived_is_told_from_one_that_did_not(command: str) -> None:
    with SmtpReceiver({command: [DROP]}) as receiver, pytest.raises(NoAnswer):
        send("email", MAIL | {"port": receiver.port})
    with SmtpReceiver({"RCPT": ["???"]}) as receiver:
        assert send("email", MAIL | {"port": receiver.port}).result is Result.UNKNOWN


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": []}, {"to": ""}, {"to": "nobody"}, {"from": "nobody"}, {"to": "a@b.test\r\nBcc: c@d.test"},
        {"from": "a@b.test\nX-More: 1"}, {"security": "maybe"}, {"host": ""},
    ],
)  # fmt: skip
def test_a_mail_target_that_makes_no_sense_is_told(wrong: dict[str, object]) -> None:
    with pytest.raises(Unusable):
        send("email", MAIL | wrong)


def test_a_chat_is_told_by_apprise() -> None:
    with HttpReceiver(answer(200)) as receiver:
        outcome = send("apprise", {"url": f"json://{LOOPBACK}:{receiver.port}/chat"})
    assert outcome == Outcome(Result.DELIVERED)
    body = json.loads(receiver.received[0].body)
    assert (body["title"], body["message"], body["type"]) == (
        "shop:orders is late",
        message().text,
        "failure",
    )


@pytest.mark.parametrize(
    ("reply", "result"),
    [(answer(500), Result.RETRY), (hang, Result.UNKNOWN), (redirect("/other"), Result.RETRY)],
)
def test_what_apprise_could_not_deliver(reply: Callable[..., None], result: Result) -> None:
    with HttpReceiver(reply) as receiver:
        outcome = send("apprise", {"url": f"json://{LOOPBACK}:{receiver.port}/chat"}, timeout=0.7)
    assert outcome.result is result
    assert outcome.error
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("status", "result"),
    [("PARTIAL", Result.DELIVERED), ("NOMATCH", Result.REFUSED), ("TIMEOUT", Result.UNKNOWN)],
)
def test_who_has_got_a_message_does_not_get_it_twice(
    status: str, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = apprise.AppriseResult(apprise.AppriseResultStatus[status])
    monkeypatch.setattr(apprise.Apprise, "notify", lambda *_, **__: said)
    outcome = send("apprise", {"url": f"json://{LOOPBACK}/chat"})
    assert outcome.result is result
    assert outcome.error


def test_apprise_is_not_sent_to_private_hosts_and_knows_its_services() -> None:
    with HttpReceiver() as receiver, pytest.raises(Forbidden):
        send("apprise", {"url": f"json://{LOOPBACK}:{receiver.port}/"}, allowed=Guard())
    assert receiver.received == []
    for url in ("nonsense://a/b", "slack://", "not even an address"):
        outcome = send("apprise", {"url": url})
        assert outcome.result is Result.REFUSED
        assert url not in str(outcome.error)


def test_no_token_of_a_service_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def lookup(host: str, *_args: Any, **_more: Any) -> Any:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    outcome = send("apprise", {"url": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"}, timeout=2)

    assert outcome.result in (Result.RETRY, Result.UNKNOWN)
    assert set(asked) == {"discord.com"}


def test_a_topic_is_no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def lookup(host: str, *_args: Any, **_more: Any) -> Any:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert send("apprise", {"url": "ntfy://our-topic"}, timeout=2).result is not Result.REFUSED
    assert "ntfy.sh" in asked


@pytest.mark.parametrize("kind", ["email", "apprise"])
def test_only_those_are_told_of_acknowledgements_who_can_do_something_with_them(kind: str) -> None:
    outcome = send(kind, MAIL | {"url": "json://localhost"}, acknowledged())
    assert outcome.result is Result.REFUSED


def test_a_test_message_is_a_message() -> None:
    with HttpReceiver() as receiver:
        said = parcel(message(alerts=(), severity="info"), kind=Kind.TEST)
        assert send("webhook", {"url": receiver.url}, said).result is Result.DELIVERED
        assert send("pagerduty", {"url": receiver.url, "routing_key": "R"}, said).result is Result.DELIVERED
    assert json.loads(receiver.received[0].body)["type"] == "io.tidegate.test"
    assert json.loads(receiver.received[1].body)["payload"]["severity"] == "info"
