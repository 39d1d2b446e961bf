"""Chats and all else that Apprise knows, by the URL of a service.

Options of a target: ``url``, one address of Apprise (``slack://…``, ``msteams://…``, ``ntfys://…``).

Apprise connects by itself: the guard cannot check the very address that it connects to. What can be done is done here:
where the URL of a service has a host in it, that host must be at allowed addresses when it is looked up beforehand, and
redirects are not followed. Whoever may write rules can thus still reach an address whose name gives two answers; where
that matters, let the server's network forbid it.
"""

from __future__ import annotations

import contextlib
from typing import Final

from collector.outbound.fired import message_of
from collector.outbound.guard import Deadline, Unreachable
from collector.outbound.sending import Context, Kind, Outcome, Parcel, Result, option
from triggers.messages import Message
from triggers.rules import Target

TYPES: Final = {"critical": "failure", "warning": "warning", "info": "info"}
"""What Apprise calls the severities."""


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Tell a service the title and the text of a message."""
    # A quarter of a second to import, which only those wait for who use it.
    import apprise

    if parcel.kind is Kind.ACKNOWLEDGEMENT:
        return Outcome(Result.REFUSED, error="No chat is told that somebody has taken something on.")
    asset = apprise.AppriseAsset(
        app_id="Tidegate",
        app_desc="Tidegate",
        secure_logging=True,
        http_redirects=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        # Attempts are the outbox's business.
        default_service_retry=0,
    )
    service = apprise.Apprise.instantiate(option(target, "url"), asset=asset, suppress_exceptions=True)
    if service is None:
        return Outcome(
            Result.REFUSED, error="Apprise knows no service of this URL, or the URL lacks something."
        )
    templates: tuple[str, ...] = service.templates
    # Where no form of its URL has a host, a token stands in the place of one, which nobody must look up.
    if service.host and any("{host}" in template for template in templates):
        # What is not found is no host, as the topic in ntfy://TOPIC, or Apprise will say so.
        with contextlib.suppress(Unreachable):
            context.guard.check(service.host, Deadline.after(context.timeout))
    message = message_of(parcel)
    result = apprise.Apprise(service, asset=asset).notify(
        title=message.title,
        body=message.text,
        notify_type=_type(message),
        body_format=apprise.NotifyFormat.TEXT,
        timeout=context.timeout,
    )
    said = "; ".join(dict.fromkeys(entry.message for entry in result.logs()))
    match result.status:
        case apprise.AppriseResultStatus.SUCCESS:
            return Outcome(Result.DELIVERED)
        case apprise.AppriseResultStatus.PARTIAL:
            # Those that have it would get it twice.
            return Outcome(Result.DELIVERED, error=f"not to all: {said}")
        case apprise.AppriseResultStatus.NOMATCH:
            return Outcome(Result.REFUSED, error=f"Apprise found nobody to send it to. {said}".strip())
        case apprise.AppriseResultStatus.TIMEOUT:
            return Outcome(Result.UNKNOWN, error="timed out", away=True)
        case _:
            return Outcome(Result.RETRY, error=said or "Apprise could not deliver it.")


def _type(message: Message) -> str:
    return "success" if message.status == "resolved" else TYPES.get(message.severity, "info")
