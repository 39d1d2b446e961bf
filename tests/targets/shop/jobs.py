"""What Dagster runs, in an environment of its own."""

from __future__ import annotations

from dagster import Definitions, job, op
from dagster_openlineage import openlineage_sensor


@op(config_schema={"day": str, "rows": int})
def write(context) -> None:  # Dagster reads annotations, and knows none that are texts
    """Publish a day, unless there is nothing to publish."""
    if not context.op_config["rows"]:
        raise ValueError(f"nothing to publish on {context.op_config['day']}")


@job
def publish() -> None:
    """Publish a day."""
    write()


defs = Definitions(jobs=[publish], sensors=[openlineage_sensor(minimum_interval_seconds=1)])
