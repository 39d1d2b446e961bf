"""Which sender sends to which kind of target. A new kind of target is a module with ``send``, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from collector.outbound import apprise, email, pagerduty, prefect, webhook
from collector.outbound.sending import Sender

SENDERS: Final[Mapping[str, Sender]] = {
    "apprise": apprise.send,
    "email": email.send,
    "pagerduty": pagerduty.send,
    "prefect": prefect.send,
    "webhook": webhook.send,
}
"""By the ``kind`` of targets."""
