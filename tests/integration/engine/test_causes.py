"""One alert at the cause, with the cause and the way from it in words; what is still bad after it alerts by itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from tests.captured import captured
from tests.events import MINUTE, NAMESPACE
from tests.stand import Stand, instant, run_of

RULES = f"""
version: 1
targets:
  pager: {{kind: webhook, url: "https://pager.example.org/hook", secrets: ["env:HOOK"]}}
  daily: {{kind: webhook, url: "https://chat.example.org/hook", secrets: ["env:HOOK"]}}
expectations:
  - id: nightly
    dataset: {{namespace: "{NAMESPACE}"}}
    due: {{at: "07:00", accept_from: 12h}}
    grace: {{warn: 0m, late: 20m}}
    severity: critical
alerting:
  group_by: [cause, severity]
  group_wait: 0s
  group_interval: 5m
  repeat_interval: 12h
  inhibit: {{lineage: {{max_depth: 10, resume_after: 15m}}}}
  routes:
    - {{match: {{affected: true}}, to: [daily], digest: {{at: "09:00"}}}}
    - {{match: {{severity: critical}}, to: [pager]}}
"""

BRANCHES, LENGTH = 20, 10


def branches() -> list[tuple[str, str, str]]:
    """Give (job, what it reads, what it writes): twenty branches of ten datasets each behind one root."""
    return [
        (f"job_{branch}_{step}", f"table_{branch}_{step - 1}" if step else "root", f"table_{branch}_{step}")
        for branch in range(BRANCHES)
        for step in range(LENGTH)
    ]


def night(stand: Stand, day: str, left_out: str = "none") -> None:
    """Load the root at 06:00, and all that hangs on it in the minutes after; not what begins with ``left_out``."""
    stand.now = instant(f"2026-11-{day}T06:00Z")
    stand.run("load_root", ["root"])
    stand.now += MINUTE
    load_branches(stand, left_out)
    stand.rest()


def load_branches(stand: Stand, left_out: str = "none") -> None:
    """Let all jobs of the branches end now."""
    runs = [
        run_of(job, [written], [read], stand.now)
        for job, read, written in branches()
        if not written.startswith(left_out)
    ]
    stand.take_in(chain.from_iterable(runs))


def test_a_late_root_with_two_hundred_stale_descendants_is_one_page_and_one_digest(
    stand: Callable[..., Stand],
) -> None:
    here = stand("2026-11-20T05:00Z")
    here.apply(RULES)
    night(here, "20")
    night(here, "21")
    assert set(here.states().values()) == {"fresh"}
    assert here.messages() == []

    here.at("2026-11-22T07:20:01Z")
    assert set(here.states().values()) == {"late"}
    assert len(here.states()) == 201
    (page,) = here.messages()
    assert page.receiver == "pager"
    assert page.title == "[CRITICAL] root is late (200 affected)"
    assert [item.name for item in page.alerts] == ["root"]
    assert "root → load_root" not in page.text
    assert "root → job_0_0 → table_0_0" in page.text
    assert "… and 190 more" in page.text

    here.at("2026-11-22T09:00:30Z")
    _, digest = here.messages()
    assert (digest.receiver, digest.digest, len(digest.alerts)) == ("daily", True, 200)
    assert digest.title == "[CRITICAL] 200 datasets affected by root"
    assert {item.cause for item in digest.alerts} == {f"dataset:{NAMESPACE}:root"}
    far = next(item for item in digest.alerts if item.name == "table_7_9")
    assert far.path[0] == f"dataset:{NAMESPACE}:root"
    assert far.path[-1] == f"dataset:{NAMESPACE}:table_7_9"
    assert [key for key, _ in here.queued()] == ["pager", "daily"]

    # The root comes, and all but one branch follow.
    here.until(instant("2026-11-22T10:00Z"))
    here.run("load_root", ["root"])
    load_branches(here, "table_3_")
    here.rest()
    assert sorted(name for name, state in here.states().items() if state == "late") == [
        f"table_3_{step}" for step in range(LENGTH)
    ]
    here.at("2026-11-22T10:06Z")
    assert here.messages()[-1].title == "[RESOLVED] root"

    # It has had its time to catch up; now its first table is the cause of the other nine.
    here.at("2026-11-22T10:16Z")
    here.at("2026-11-22T10:22Z")
    last = here.messages()[-1]
    assert (last.receiver, last.title) == ("pager", "[CRITICAL] table_3_0 is late (9 affected)")
    assert "table_3_0 → job_3_1 → table_3_1" in last.text
    assert len(here.messages()) == 4


SHOP = "postgres://127.0.0.1:15432"

MARTS = f"""
version: 1
targets:
  chat: {{kind: webhook, url: "https://chat.example.org/hook", secrets: ["env:HOOK"]}}
expectations:
  - id: marts
    dataset: {{namespace: "{SHOP}", name: "shop.analytics_marts.rpt_*"}}
    max_age: 20m
    severity: warning
alerting:
  group_wait: 0s
  routes: [{{to: [chat]}}]
"""


def test_a_model_that_failed_explains_its_silent_children(stand: Callable[..., Stand]) -> None:
    here = stand("2026-11-22T05:30Z")
    here.apply(MARTS)
    for event, received_at in captured("dbt/pg_02_run_first", "dbt/pg_05_run_model_fails"):
        here.now = received_at
        here.take_in([event])
    here.rest()
    assert here.states() == {"shop.analytics_marts.rpt_city_revenue": "fresh"}
    here.at("2026-11-22T05:54Z")
    assert here.states() == {"shop.analytics_marts.rpt_city_revenue": "late"}
    (message,) = here.messages()
    (item,) = message.alerts
    assert (item.rule, item.type if hasattr(item, "type") else item.node.partition(":")[0]) == (
        "failed_run",
        "job",
    )
    assert item.name == "shop.analytics_marts.jaffle_shop.dim_customers"
    assert message.title == (
        "[WARNING] The run of shop.analytics_marts.jaffle_shop.dim_customers failed at 2026-11-22 05:34 (1 affected)"
    )
    assert (
        "shop.analytics_marts.jaffle_shop.dim_customers → shop.analytics_marts.dim_customers → "
        "shop.analytics_marts.jaffle_shop.rpt_city_revenue → shop.analytics_marts.rpt_city_revenue"
    ) in message.text


def test_the_error_of_a_failed_run_is_quoted_where_one_was_sent(stand: Callable[..., Stand]) -> None:
    here = stand("2026-11-22T05:30Z")
    here.apply(MARTS)
    for event, received_at in captured("dbt/pg_02_run_first", "dbt/pg_07_run_structured_logs_model_fails"):
        here.now = received_at
        here.take_in([event])
    here.at("2026-11-22T05:54Z")
    (message,) = here.messages()
    assert message.alerts[0].name == "model.jaffle_shop.dim_customers"
    assert 'invalid input syntax for type integer: "Porto"' in message.text
    assert "1 affected" in message.title


def test_a_resolved_cause_that_was_never_told_is_not_told_to_be_over(stand: Callable[..., Stand]) -> None:
    here = stand("2026-11-20T05:00Z")
    here.apply(RULES.replace("group_wait: 0s", "group_wait: 10m"))
    night(here, "20")
    here.at("2026-11-21T07:20:01Z")
    assert set(here.states().values()) == {"late"}
    night_later = instant("2026-11-21T07:25Z")
    here.now = night_later
    here.run("load_root", ["root"])
    load_branches(here)
    here.rest()
    here.at("2026-11-21T12:00Z")
    assert here.messages() == []


def test_what_went_wrong_before_it_was_well_the_last_time_is_no_cause(stand: Callable[..., Stand]) -> None:
    here = stand("2026-11-22T05:00Z")
    here.apply(RULES)
    here.run("extract", ["raw"])
    here.at("2026-11-22T05:10Z")
    here.run("extract", ["raw"], state="FAIL")
    here.at("2026-11-22T05:20Z")
    here.run("build", ["mart"], ["raw"])
    here.at("2026-11-22T05:40Z")
    here.run("build", ["mart"], ["raw"], state="FAIL")
    here.at("2026-11-23T07:20:01Z")
    causes = {item.node: page.title for page in here.messages() for item in page.alerts}
    assert set(causes) == {"job:shop:extract", "job:shop:build"}, (
        "the one failed after the other had done its work"
    )
