"""What to set in tools so that they send their events to this server: a few lines each, to be copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool with its settings; ``{url}`` and ``{key}`` are filled in."""

    label: str
    text: str
    keyed: str
    """The same for a server that has API keys."""
    note: str = ""


AIRFLOW: Final = """\
pip install apache-airflow-providers-openlineage
export AIRFLOW__OPENLINEAGE__NAMESPACE=airflow-prod
export AIRFLOW__OPENLINEAGE__TRANSPORT='{{"type": "http", "url": "{url}", "endpoint": "api/v1/lineage"%s}}'
"""
SPARK: Final = """\
spark-submit --packages io.openlineage:openlineage-spark_2.12:VERSION \\
  --conf spark.extraListeners=io.openlineage.spark.agent.OpenLineageSparkListener \\
  --conf spark.openlineage.transport.type=http \\
  --conf spark.openlineage.transport.url={url} \\
%s  --conf spark.openlineage.namespace=spark-prod …
"""
FLINK: Final = """\
execution.job-status-changed-listeners: io.openlineage.flink.listener.OpenLineageJobStatusChangedListenerFactory
openlineage.transport.type: http
openlineage.transport.url: {url}
"""
DBT: Final = """\
pip install openlineage-dbt
export OPENLINEAGE_URL={url}
%sexport OPENLINEAGE_NAMESPACE=dbt-prod
dbt-ol run
"""
PYTHON: Final = """\
# pip install openlineage-python, and: export OPENLINEAGE_URL={url}%s
from datetime import datetime, timezone
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.uuid import generate_new_uuid
run, job, now = Run(str(generate_new_uuid())), Job("scripts", "first"), datetime.now(timezone.utc).isoformat()
OpenLineageClient().emit(RunEvent(eventType=RunState.COMPLETE, eventTime=now, run=run, job=job, producer="me"))
"""
CURL: Final = """\
curl {url}/api/v1/lineage -H 'Content-Type: application/json' %s-d '{{
  "eventType": "COMPLETE", "eventTime": "2026-01-01T00:00:00Z",
  "run": {{"runId": "01980000-0000-7000-8000-000000000001"}},
  "job": {{"namespace": "scripts", "name": "first"}},
  "producer": "https://example.org/me",
  "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}}'
"""

KEY_AUTH: Final = """\
  --conf spark.openlineage.transport.auth.type=api_key \\
  --conf spark.openlineage.transport.auth.apiKey={key} \\
"""

TOOLS: Final = {
    "airflow": Tool(
        "Airflow",
        AIRFLOW % "",
        AIRFLOW % ', "auth": {{"type": "api_key", "apiKey": "{key}"}}',
        "All Airflow processes need these.",
    ),
    "spark": Tool("Spark", SPARK % "", SPARK % KEY_AUTH, "Take `_2.12` or `_2.13` as your Spark's Scala."),
    "dbt": Tool(
        "dbt",
        DBT % "",
        DBT % "export OPENLINEAGE_API_KEY={key}\n",
        "`dbt-ol` takes the place of `dbt`.",
    ),
    "flink": Tool(
        "Flink",
        FLINK,
        FLINK + "openlineage.transport.auth.type: api_key\nopenlineage.transport.auth.apiKey: {key}\n",
        "Flink 2, in its configuration, with the jar of openlineage-flink on the class path.",
    ),
    "python": Tool("Python", PYTHON % "", PYTHON % " OPENLINEAGE_API_KEY={key}"),
    "curl": Tool("curl", CURL % "", CURL % "-H 'X-API-Key: {key}' "),
}
"""By the word in the address of the page."""

FIRST: Final = "airflow"


def snippet(tool: Tool, url: str, *, key: bool) -> str:
    """Write the settings for a server at ``url``, which has no slash at its end."""
    return (tool.keyed if key else tool.text).format(url=url, key="KEY").rstrip("\n")
