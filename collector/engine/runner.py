"""The engine: looks at what facts touch and at what time has come for, and decides who is told.

One is active at a time, by a lease; a standby takes over. A round reads the database at one moment, decides in memory,
and writes all that follows in one transaction, together with the removal of the facts from the queue and the renewal
of the lease. If that fails nothing has happened, and the round is done again.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog
from sqlalchemy import Connection

from collector.engine import forecasts, looking
from collector.engine.alerting import Alerting, Decided
from collector.engine.bindings import Bindings, Rebound
from collector.engine.emitting import Emitter
from collector.engine.forecasts import Forecasts
from collector.engine.housekeeping import Housekeeping
from collector.engine.looking import Looked
from collector.engine.pace import Pace
from collector.engine.selfcheck import SelfCheck
from collector.engine.triggering import Decided as Triggered
from collector.engine.triggering import Triggering
from collector.errors import DatabaseUnavailable
from collector.storage import facts, outcomes, pulses, revisions, standings
from collector.storage import rules as rule_store
from collector.storage.engine import Database
from collector.storage.facts import Told, What
from collector.storage.leases import LeaseLost, Turn
from collector.storage.node_facts import canonical
from collector.storage.outcomes import Exclusion
from collector.storage.standings import Standing
from collector.times import now_us
from triggers.alerts import Alert
from triggers.breaches import Described, alerts_of
from triggers.firings import Expected
from triggers.model import Expectation
from triggers.rules import RuleSet
from triggers.watermark import SLACK, Outage, Watermark

LEASE = "engine"
LEASE_US = 15_000_000

FACTS = 5_000
"""Rows of the queue that one round takes in."""

LOOKS = 1_000
"""Datasets whose time has come that one round looks at."""

MANY = 10_000
"""Expectations in memory that the garbage collector is to leave alone: going through them again and again, though they
live until rules change, took a fifth of the time of all looks."""

BEAT_US = 5_000_000
"""How often the server says that it is alive."""

IDLE_SECONDS = 0.25
RETRY_SECONDS = 0.5

UNTOUCHED_US = 1_000_000
"""How long facts that nothing is expected of may stay in the queue: each removal waits for the disk."""

DATASET = What.UPDATE | What.CHECK | What.FACET | What.NAME
SELECTING = DATASET | What.EDGE

FOLLOWED = (revisions.RULES, revisions.ALIASES, revisions.CATALOG)
"""What is taken up anew when it has changed."""

NOTHING_EXPECTED: Mapping[str, Expected] = {}

Key = tuple[str, int]
"""An expectation, and a canonical dataset that it is on."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round has seen and decided; nothing of it is written yet."""

    told: Told
    looked: list[Looked]
    opened: dict[Key, list[Alert]]
    """Of what was looked at, the alerts that are open; none: there are none any more."""
    other: list[Alert]
    """What is foretold, and what the engine says of itself."""
    foretold: forecasts.Changes
    decided: Decided | None
    triggered: Triggered
    follow: bool
    """Whether facts may change what rules are about."""
    more: bool
    """Whether there is more to be done at once."""


class Engine:
    """Watches the freshness of what is in ``database``.

    ``settle`` and ``lag`` are the settings ``settle`` and ``lag_alert``, ``keep`` is ``evaluation_days``, all in µs.
    ``clock`` gives µs UTC. ``expected`` says by kind of target what runs will be known by, ``backends`` are the targets
    that get events of our own as well.
    """

    def __init__(
        self,
        database: Database,
        *,
        holder: str,
        settle: int,
        lag: int,
        keep: int,
        clock: Callable[[], int] = now_us,
        expected: Mapping[str, Expected] = NOTHING_EXPECTED,
        backends: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._turn = Turn(database, LEASE, holder, LEASE_US)
        self._watermark = Watermark(settle)
        self._lag = lag
        self._keep = keep
        self._housekeeping = Housekeeping(database, keep)
        self._rules = RuleSet()
        self._warned = False
        self._bindings = Bindings()
        self._alerting = Alerting()
        self._triggering = Triggering(Emitter(database, backends), expected)
        self._self = SelfCheck(self._watermark, "UTC", lag)
        self._open: dict[Key, list[Alert]] = {}
        self._followed: dict[str, int] | None = None
        self._forecasts = Forecasts()
        self._other: list[Alert] = []
        self._undecided = True
        self._pace = Pace()
        self._alerts_revision = -1
        self._beat_at: int | None = None
        self._forgot_at, self._put_off = 0, False

    @property
    def owes(self) -> bool:
        """Whether there is something to decide that is put off for a moment."""
        return self._pace.owes

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; survive any loss of the database."""
        active = False
        try:
            while not stop.is_set():
                try:
                    self.beat()
                    if not active:
                        active = self.take()
                    if not active or not self.step():
                        self._database.wait_for_change(self._pause() if active else IDLE_SECONDS)
                except LeaseLost:
                    active = False
                except DatabaseUnavailable as error:
                    log.warning("database unavailable", error=error.detail)
                    active = False
                    # Nor could anybody take events in.
                    self._beat_at = None
                    stop.wait(RETRY_SECONDS)
        finally:
            if active:
                self.release()

    def take(self) -> bool:
        """Become the active engine, if none is; tell whether we are."""
        self.beat()
        self._followed = None
        return self._turn.take()

    def release(self) -> None:
        """Let another one be active."""
        self._turn.release()

    def step(self) -> bool:
        """Do one round; tell whether anything was done, and so there may be more to do."""
        now = self._clock()
        found = None
        with self._database.read() as conn:
            wanted = revisions.all_revisions(conn)
            followed = {name: _number(wanted, name) for name in FOLLOWED}
            if followed == self._followed and not self._watermark.ahead(now):
                found = self._round(conn, _number(wanted, revisions.ALERTS), now)
        if found is None:
            self._follow(followed, now)
            return True
        worth = found.looked or found.decided or found.foretold.any or found.follow or self._put_off
        worth = worth or found.triggered.any
        if not worth and not (found.told.ids and self._is_time_to_forget(found.told, now)):
            self._turn.keep_idle()
            self._housekeeping.step(now)
            return False
        with self._database.write() as conn:
            self._turn.keep(conn)
            facts.forget(conn, found.told.ids)
            looking.write(conn, found.looked, self._exclusion(conn), now)
            rebound = Rebound()
            if found.triggered.any:
                self._triggering.write(conn, found.triggered, now)
            if found.follow or self._put_off:
                rebound = self._bindings.follow(conn, self._rules, found.told.subjects, now)
                if self._triggering.follow(conn, found.told.subjects, now):
                    rebound = replace(rebound, put_off=True)
            forecasts.write(conn, found.foretold)
            if found.decided:
                self._alerting.write(conn, found.decided, now)
            self._database.notify(conn)
        self._take_over(found, rebound, _number(wanted, revisions.ALERTS), now)
        self._housekeeping.step(now)
        return bool(worth)

    def _take_over(self, found: Round, rebound: Rebound, alerts_revision: int, now: int) -> None:
        """Remember what has been written."""
        self._forgot_at, self._put_off = now, rebound.put_off
        if found.decided:
            self._alerting.wrote(found.decided)
            self._alerts_revision, self._other, self._undecided = alerts_revision, found.other, False
        elif found.opened:
            self._undecided = True
        for key, alerts in found.opened.items():
            if alerts:
                self._open[key] = alerts
            else:
                self._open.pop(key, None)
        # What a dataset is no longer expected to be it cannot fail to be; under another name it is looked at anew.
        for key in rebound.removed | rebound.moved.keys():
            self._undecided |= bool(self._open.pop(key, None))
        if rebound.added or rebound.removed or rebound.moved:
            self._forecasts.bindings_changed()

    def _follow(self, followed: dict[str, int], now: int) -> None:
        """Take up changed rules, and names of datasets that are one now, or were; and all there is at the start."""
        with self._database.write() as conn:
            self._turn.keep(conn)
            rules = rule_store.rules(conn)
            self._bindings.refresh(conn, rules, now, changed := self._changed(conn, rules, followed, now))
            for name in (revisions.RULES, revisions.CATALOG):
                revisions.follow(conn, name, followed[name])
            if changed is None or rules.windows != self._rules.windows:
                outcomes.reexclude(conn, rules, partial(self._bindings.describe, conn), now - self._keep)
            self._rules = rules
            self._warned = any(each.warning for each in rules.expectations.values())
            self._self.timezone = rules.timezone
            self._alerting.load(conn, rules, now)
            self._triggering.load(conn, rules, now)
            self._watermark.at(pulses.oldest_waiting(conn), now)
            bad = [(rules.expectations[each.expectation_id], each) for each in standings.bad(conn)]
            self._open = {}
            self._open = self._opened(conn, bad)
            self._undecided = True
            self._database.notify(conn)
        self._followed = followed
        if len(rules.expectations) > MANY:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        log.info("rules taken up", expectations=len(rules.expectations), triggers=len(rules.triggers))

    def _changed(
        self, conn: Connection, rules: RuleSet, followed: Mapping[str, int], now: int
    ) -> set[str] | None:
        """Give the expectations that are to be looked at anew, wherever they are; None: all."""
        if self._watermark.ahead(now):
            return None
        if revisions.get(conn, revisions.CATALOG).applied != followed[revisions.CATALOG]:
            return None
        if self._followed is not None:
            before = self._rules.expectations
            return {id_ for id_, each in rules.expectations.items() if before.get(id_) != each}
        same = revisions.get(conn, revisions.RULES).applied == followed[revisions.RULES]
        return set() if same else None

    def _round(self, conn: Connection, alerts_revision: int, now: int) -> Round:
        told = facts.told(conn, FACTS)
        oldest = pulses.oldest_waiting(conn)
        seen = self._watermark.at(oldest, now)
        subjects = told.subjects
        names = [id_ for id_, what in subjects.items() if what & DATASET]
        touched = set(canonical(conn, names).values()) | set(names)
        due = standings.due(conn, seen, LOOKS)
        wanted = {each.key: (each, looking.TIMER) for each in due}
        wanted |= {each.key: (each, looking.FACT) for each in standings.of_datasets(conn, touched)}
        looked = looking.look_at(
            conn, self._rules.expectations, wanted.values(), seen, now, self._watermark.outage
        )
        opened = self._opened(conn, [(each.expectation, each.after) for each in looked])
        full, behind = len(told.ids) == FACTS, len(due) == LOOKS
        foretold = self._forecasts.step(conn, self._rules, subjects, seen)
        stood = {each.after.key: each.after.stance.state for each in looked}
        triggered = self._triggering.decide(conn, told, stood, seen, now, self._watermark.outage)
        other = [*self._self.alerts(conn, oldest, now, quiet=not due), *self._warnings(conn, foretold, seen)]
        other += self._triggering.alerts()
        decided, begun = None, time.monotonic()
        if self._must_decide(opened, other, told, alerts_revision, now):
            self._pace.owe(begun)
        if self._pace.may_decide(begun, full=full, behind=behind):
            open_ = [alert for alerts in (self._open | opened).values() for alert in alerts]
            decided = self._alerting.decide(conn, [*open_, *other], now)
            self._pace.decided(begun, time.monotonic())
        follow = any(what & SELECTING for what in subjects.values())
        more = full or behind or foretold.more
        return Round(told, looked, opened, other, foretold, decided, triggered, follow, more)

    def _opened(
        self, conn: Connection, stood: Sequence[tuple[Expectation, Standing]]
    ) -> dict[Key, list[Alert]]:
        """Give the alerts of datasets, where they are other than before."""
        bad = {standing.dataset_id for _, standing in stood if standing.stance.bad_since is not None}
        described = self._bindings.describe(conn, bad)
        found: dict[Key, list[Alert]] = {}
        for expectation, standing in stood:
            alerts: list[Alert] = []
            if standing.stance.bad_since is not None:
                about = described.get(standing.dataset_id) or _unseen(expectation)
                alerts = alerts_of(expectation, about, standing.stance, self._watermark.reached)
            if alerts != self._open.get(standing.key, []):
                found[standing.key] = alerts
        return found

    def _exclusion(self, conn: Connection) -> Exclusion:
        return Exclusion(self._rules, partial(self._bindings.describe, conn))

    def _warnings(self, conn: Connection, foretold: forecasts.Changes, seen: int) -> list[Alert]:
        """Give the alerts of deadlines that will be missed."""
        announced = forecasts.open_warnings(conn, self._rules, seen, foretold) if self._warned else []
        described = self._bindings.describe(conn, {each.forecast.dataset_id for each in announced})
        return [
            each.alert(described.get(each.forecast.dataset_id) or _unseen(each.expectation))
            for each in announced
        ]

    def _must_decide(
        self, opened: Mapping[Key, list[Alert]], other: list[Alert], told: Told, revision: int, now: int
    ) -> bool:
        """Tell whether what receivers are to hear may be other than it was."""
        alerting = self._alerting
        if opened or self._undecided or other != self._other:
            return True
        if alerting.idle:
            return False
        if revision != self._alerts_revision or (alerting.wake is not None and alerting.wake <= now):
            return True
        jobs = alerting.upstream.jobs
        return any(
            what & What.EDGE or (what & What.RUN and id_ in jobs) for id_, what in told.subjects.items()
        )

    def _is_time_to_forget(self, told: Told, now: int) -> bool:
        return len(told.ids) == FACTS or not 0 <= now - self._forgot_at <= UNTOUCHED_US

    def beat(self) -> None:
        """Say that the server is alive, whether its engine is the active one or not."""
        now = self._clock()
        if self._beat_at is None:
            with self._database.read() as conn:
                known = pulses.last_outage(conn)
                self._watermark.woke(pulses.last_beat(conn), now, Outage(*known) if known else None)
        if self._beat_at is None or now - self._beat_at > BEAT_US:
            with self._database.write() as conn:
                pulses.beat(conn, now)
                if self._beat_at is None and self._watermark.outage:
                    pulses.keep_outage(conn, *self._watermark.outage)
            self._beat_at = now

    def wake(self) -> int | None:
        """Tell when to look at the latest (µs UTC), unless something happens before; None: only then."""
        with self._database.read() as conn:
            at = standings.next_look(conn), self._forecasts.next_wake(conn), self._triggering.next_wake(conn)
        times = [each + SLACK for each in at if each is not None]
        if self._alerting.wake is not None:
            times.append(self._alerting.wake)
        return min(times, default=None)

    def _pause(self) -> float:
        """Give the seconds for which there is nothing to do unless something happens."""
        wake = self.wake()
        waits = [IDLE_SECONDS, *([] if wake is None else [(wake - self._clock()) / 1e6])]
        if self.owes:
            waits.append(self._pace.rest_until - time.monotonic())
        return max(0.0, min(waits))


def _number(wanted: Mapping[str, revisions.Revision], name: str) -> int:
    """Give the change that is to be followed: of names, the one that the projector has followed."""
    revision = wanted.get(name, revisions.NONE)
    return revision.applied if name == revisions.ALIASES else revision.wanted


def _unseen(expectation: Expectation) -> Described:
    """Describe a dataset that no event has named: only its whole name can mean it."""
    return Described(expectation.selector.namespace or "", expectation.selector.name or "")
