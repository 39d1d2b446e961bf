"""Which sender sends to which kind of target. A new kind of target is a module with ``send``, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from collector.outbound import (
    airflow,
    apprise,
    command,
    dagster,
    databricks,
    dbt_cloud,
    email,
    forwarding,
    pagerduty,
    prefect,
    webhook,
)
from collector.outbound.plugins import plugin
from collector.outbound.sending import Sender
from collector.storage.targets import OPENLINEAGE
from triggers.firings import Expected

SENDERS: Final[Mapping[str, Sender]] = {
    "airflow": airflow.send,
    "apprise": apprise.send,
    "command": command.send,
    "dagster": dagster.send,
    "databricks": databricks.send,
    "dbt_cloud": dbt_cloud.send,
    "email": email.send,
    OPENLINEAGE: forwarding.send,
    "pagerduty": pagerduty.send,
    "prefect": prefect.send,
    "webhook": webhook.send,
}
"""By the ``kind`` of targets."""

EXPECTED: Final[Mapping[str, Expected]] = {"airflow": airflow.expected}
"""By the ``kind`` of targets that let those who ask name what they start; ``run.external_id`` is such a name."""


def sender(kind: str) -> Sender | None:
    """Give the sender for a kind of targets, also one that is installed beside; None if nobody knows the kind."""
    return SENDERS.get(kind) or plugin(kind)
