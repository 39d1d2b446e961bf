"""Metrics that are read from the database when asked for: the processes that serve HTTP do not do the work."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from collector.api.services import reading
from collector.errors import TidegateError
from collector.storage import firing_reads, gauges
from collector.storage.event_reads import inbox_lag
from collector.storage.outbox import State as Outgoing
from collector.times import now_us
from triggers.alerts import Severity
from triggers.joins import Standing
from triggers.verdict import State

STANDINGS = ("open", "muted", "acknowledged", "affected")


class Queue(Collector):
    """How far the projector is behind."""

    def collect(self) -> Iterator[Metric]:
        try:
            with reading() as conn:
                lag = inbox_lag(conn)
        except TidegateError:
            # The other metrics are wanted most when the database is away.
            return
        yield GaugeMetricFamily("tidegate_inbox_size", "Events accepted and not yet projected.", lag.size)
        yield GaugeMetricFamily(
            "tidegate_inbox_age_seconds",
            "Seconds since the oldest of them came.",
            seconds_since(lag.oldest_received_at),
        )


class Freshness(Collector):
    """How far the engine and the dispatcher are behind, and what they found."""

    def collect(self) -> Iterator[Metric]:
        try:
            with reading() as conn:
                found = gauges.read(conn)
        except TidegateError:
            return
        yield GaugeMetricFamily(
            "tidegate_facts_waiting", "Changes that the engine has not looked at.", found.facts
        )
        yield GaugeMetricFamily(
            "tidegate_fact_lag_seconds",
            "Seconds since the oldest of them was made.",
            seconds_since(found.oldest_fact),
        )
        yield GaugeMetricFamily(
            "tidegate_timer_lateness_seconds",
            "Seconds by which the engine is late to look at a dataset whose time has come.",
            seconds_since(found.next_look),
        )
        yield GaugeMetricFamily(
            "tidegate_outbox_oldest_seconds",
            "Seconds for which the oldest message that is to be sent has waited.",
            seconds_since(found.oldest_outgoing),
        )
        outgoing = GaugeMetricFamily("tidegate_outbox_rows", "Messages by state.", labels=["state"])
        for state in Outgoing:
            outgoing.add_metric([state.value], found.outbox.get(state.value, 0))
        yield outgoing
        alerts = GaugeMetricFamily(
            "tidegate_alerts",
            "Alerts that have not ended: explained by another, muted, acknowledged, or none of it.",
            labels=["state", "severity"],
        )
        for stands in STANDINGS:
            for severity in Severity:
                alerts.add_metric([stands, severity.value], found.alerts.get((stands, severity.value), 0))
        yield alerts
        expectations = GaugeMetricFamily(
            "tidegate_expectations",
            "Datasets, each as often as something is expected of it, by how they stand.",
            labels=["state"],
        )
        for each in State:
            expectations.add_metric([each.value], found.expectations.get(each, 0))
        yield expectations


class Triggers(Collector):
    """What triggers wait for, and what became of what they fired."""

    def collect(self) -> Iterator[Metric]:
        now = now_us()
        try:
            with reading() as conn:
                found, fired = gauges.read_triggers(conn, now), firing_reads.count_states(conn)
        except TidegateError:
            return
        firings = GaugeMetricFamily(
            "tidegate_firings", "Firings that are kept, by how far they have come.", labels=["state"]
        )
        for state in firing_reads.STATES:
            firings.add_metric([state], fired.get(state, 0))
        yield firings
        joins = GaugeMetricFamily(
            "tidegate_trigger_joins", "Joins of triggers, by how they stand.", labels=["state"]
        )
        for standing in Standing:
            joins.add_metric([standing.value], found.joins.get(standing.value, 0))
        yield joins
        yield GaugeMetricFamily(
            "tidegate_trigger_joins_due", "Joins whose time to be looked at has come.", found.due
        )
        yield GaugeMetricFamily(
            "tidegate_trigger_lateness_seconds",
            "Seconds by which the engine is late to look at a join whose time has come.",
            seconds_since(found.oldest_due),
        )
        yield GaugeMetricFamily(
            "tidegate_trigger_unkeyed",
            "Updates that did not say which partition they wrote, since triggers were first followed.",
            found.unkeyed,
        )


def seconds_since(instant: int | None) -> float:
    """Give how long ago an instant was (µs UTC); nothing for one to come, or none."""
    return 0.0 if instant is None else max(0, now_us() - instant) / 1_000_000
