"""What PagerDuty is told."""

from __future__ import annotations

from collector.outbound.pagerduty import event
from tests.parcels import acknowledged, item, message, parcel


def test_a_group_that_fires_is_an_incident_with_its_cause_and_path() -> None:
    found = event(parcel(message(resolved=(item(node="dataset:a:b"),))))

    assert (found["event_action"], found["dedup_key"]) == ("trigger", "a" * 32)
    payload = found["payload"]
    details = payload.pop("custom_details")
    assert payload == {
        "summary": "shop:orders is late",
        "source": "dataset:shop:orders",
        "severity": "critical",
        "timestamp": "2026-11-22T07:00:00.000000Z",
        "class": "orders-daily",
    }
    (alert,) = details["alerts"]
    assert alert["cause"] == "job:shop:load"
    assert alert["path"] == ["job:shop:load", "dataset:shop:orders"]
    assert alert["explanation"] == "The job load has failed."
    assert details["resolved"] == ["dataset:a:b"]
    assert "not_shown" not in details


def test_it_is_resolved_and_acknowledged_by_the_same_key() -> None:
    resolved = message(status="resolved", alerts=(), resolved=(item(),), group="g" * 300)
    assert event(parcel(resolved)) == {"event_action": "resolve", "dedup_key": "g" * 255}
    assert event(acknowledged()) == {"event_action": "acknowledge", "dedup_key": "a" * 32}


def test_what_is_too_long_for_it_is_cut() -> None:
    found = event(parcel(message(title="x" * 2000, alerts=(item(text="y" * 9000),) * 200)))

    assert len(found["payload"]["summary"]) == 1024
    assert found["payload"]["summary"].endswith("x…")
    details = found["payload"]["custom_details"]
    assert (len(details["alerts"]), details["not_shown"]) == (50, 150)
    assert len(str(found)) < 400_000
