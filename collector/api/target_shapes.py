"""Targets as rule files write them: where messages go, and where work is started. What the values mean,
``triggers.alerting_documents`` says.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import entry_points
from typing import Any, Final

from marshmallow import fields, validate

from collector.api.fields import Text
from collector.api.rule_fields import FEW, SHORT, Keyed, OneOrMany, Part, Various, lasting, text
from collector.api.shapes import said
from collector.outbound.plugins import GROUP

WHERE: Final = "`env:NAME` or `file:PATH`; the secret itself is refused"
REFERENCE: Final = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"


def secret(**kwargs: Any) -> Text:
    """Make a field for where a secret is."""
    return text(WHERE, pattern=REFERENCE, **kwargs)


class AppriseTarget(Part):
    """Any of the services that Apprise knows."""

    kind = Text(required=True, validate=validate.OneOf(["apprise"]))
    url = secret(required=True)


class WebhookTarget(Part):
    """An address to which messages are posted, signed after Standard Webhooks."""

    kind = Text(required=True, validate=validate.OneOf(["webhook"]))
    url = text("of http or https; one with credentials as `env:NAME` or `file:PATH`", required=True)
    secrets = OneOrMany(
        secret, metadata=said("each signs; two while the receiver changes from one to the other")
    )
    headers = Keyed(
        keys=Text(validate=validate.Regexp(r"^[A-Za-z0-9!#$%&'*+.^_`|~\-]+$")),
        values=Text(validate=SHORT),
        validate=FEW,
        metadata=said("sent beside; credentials as `env:NAME` or `file:PATH`"),
    )


class PagerDutyTarget(Part):
    """PagerDuty, or what takes its Events API v2."""

    kind = Text(required=True, validate=validate.OneOf(["pagerduty"]))
    routing_key = secret(required=True)
    url = text("instead of PagerDuty's own")


class EmailTarget(Part):
    """Mail."""

    kind = Text(required=True, validate=validate.OneOf(["email"]))
    to = OneOrMany(required=True, metadata=said("addresses"))
    from_ = text("the sender's address", data_key="from", attribute="from", required=True)
    host = text("of the mail server", required=True)
    port = fields.Integer(strict=True, validate=validate.Range(1, 65_535))
    security = Text(
        validate=validate.OneOf(["starttls", "tls", "none"]),
        metadata=said("encryption that is asked for, there from the beginning, or none", default="starttls"),
    )
    username = text()
    password = secret()


def address(**kwargs: Any) -> Text:
    """Make a field for an address."""
    return text("of http or https, or `env:NAME` or `file:PATH`", **kwargs)


class PrefectTarget(Part):
    """Prefect, of which deployments are run."""

    kind = Text(required=True, validate=validate.OneOf(["prefect"]))
    url = address(required=True)
    key = secret()
    ui_url = text("of the pages for people, if they are elsewhere")


class AirflowTarget(Part):
    """Airflow 3, of which DAGs are run and assets updated; with a token, or a user and a password."""

    kind = Text(required=True, validate=validate.OneOf(["airflow"]))
    url = address(required=True)
    token = secret()
    auth = text("`user:password`, as `env:NAME` or `file:PATH`", pattern=REFERENCE)
    username = text()
    password = secret()


class DagsterTarget(Part):
    """Dagster, of which jobs are run."""

    kind = Text(required=True, validate=validate.OneOf(["dagster"]))
    url = address(required=True)
    token = secret()


class DbtCloudTarget(Part):
    """dbt Cloud, of which jobs are run."""

    kind = Text(required=True, validate=validate.OneOf(["dbt_cloud"]))
    url = text("of http or https", default="https://cloud.getdbt.com")
    account = Various(
        {int: fields.Integer(strict=True), str: Text(validate=SHORT)}, required=True, metadata=said("its id")
    )
    token = secret(required=True)


class DatabricksTarget(Part):
    """A workspace of Databricks, of which jobs are run."""

    kind = Text(required=True, validate=validate.OneOf(["databricks"]))
    url = address(required=True)
    token = secret(required=True)


class CommandTarget(Part):
    """A command that the server runs; only if the setting `allow_commands` is on."""

    kind = Text(required=True, validate=validate.OneOf(["command"]))
    command = fields.List(
        Text(validate=SHORT),
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata=said("and its arguments; no shell reads them", examples=[["/opt/etl/run", "nightly"]]),
    )
    timeout = lasting("it is killed after; at most, and if left out, the setting `outbound_timeout`")
    env = fields.List(
        Text(validate=validate.Regexp(r"^[A-Za-z_][A-Za-z0-9_]*$")),
        validate=FEW,
        metadata=said("names of variables of the server that it gets too"),
    )


TARGETS: Final = {
    "apprise": AppriseTarget,
    "webhook": WebhookTarget,
    "pagerduty": PagerDutyTarget,
    "email": EmailTarget,
    "prefect": PrefectTarget,
    "airflow": AirflowTarget,
    "dagster": DagsterTarget,
    "dbt_cloud": DbtCloudTarget,
    "databricks": DatabricksTarget,
    "command": CommandTarget,
}


def own_kinds() -> Collection[str]:
    """Give the kinds of targets that are installed beside; a name of one that is built in means that one."""
    return entry_points(group=GROUP).names - TARGETS.keys()
