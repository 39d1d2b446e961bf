"""What becomes of firings: their actions are sent, runs are recognised and end, and what waits for that follows.

Nobody is asked: a target says that it took something, and the runs that it starts tell of themselves by their own
events. One is recognised by its parent, which is the firing; by the id that the target answered with; or by the name
that its orchestrator gives it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from openlineage.client.event_v2 import RunState
from sqlalchemy import Connection

from collector.engine.acting import queued_of
from collector.engine.emitting import Started, Told
from collector.engine.stages import (
    GOING_ON,
    LOST_AFTER,
    OUTCOMES,
    REACHED,
    STARTING,
    UNDER_WAY,
    deciding,
    state_of,
)
from collector.storage import effects, firings, outbox
from collector.storage.firings import OPEN, Doing, Fired, Progress, Seen, Sent
from collector.storage.outbox import Queued
from lineage.model import JobRef, run_key
from triggers.conditions import Action, Trigger
from triggers.firings import Firing

TOLD = {Progress.COMPLETED: RunState.COMPLETE, Progress.FAILED: RunState.FAIL, Progress.LOST: RunState.FAIL}


RULE_CHANGED = "The rule has changed: what it waited for is no more."


@dataclass(slots=True)
class _Open:
    """A firing of which something may still come, with all that it does."""

    fired: Fired
    doings: list[Doing]


@dataclass(slots=True)
class Followed:
    """What has changed, to be written."""

    fired: dict[str, Fired] = field(default_factory=dict)
    doings: dict[tuple[str, str], Doing] = field(default_factory=dict)
    queued: list[Queued] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    ended: list[Fired] = field(default_factory=list)

    @property
    def any(self) -> bool:
        return bool(self.fired or self.doings or self.queued)


class Following:
    """Follows the firings of which something may still come. For the one engine that is active."""

    def __init__(self) -> None:
        self._triggers: Mapping[str, Trigger] = {}
        self._open: dict[str, _Open] = {}
        self._by_firing: dict[bytes, str] = {}
        self._by_outbox: dict[str, Doing] = {}
        self._by_run: dict[bytes, Doing] = {}
        self._by_external: dict[str, Doing] = {}
        self._by_job: dict[JobRef, dict[str, Doing]] = {}
        self._any_lost = False

    def load(self, conn: Connection, triggers: Mapping[str, Trigger]) -> None:
        """Take up what is kept."""
        self._triggers = triggers
        self._open.clear()
        for index in (self._by_firing, self._by_outbox, self._by_run, self._by_external, self._by_job):
            index.clear()
        self._take_up(*firings.open_firings(conn))
        self._any_lost = firings.any_lost(conn)

    def _take_up(self, fired: Iterable[Fired], doings: Iterable[Doing]) -> None:
        for each in fired:
            self._open[each.id] = _Open(each, [])
            self._by_firing[run_key(each.id)] = each.id
        for doing in doings:
            self._open[doing.firing_id].doings.append(doing)
            self._index(doing)

    def _index(self, doing: Doing) -> None:
        self._by_outbox[doing.outbox_key] = doing
        if doing.run_key is not None:
            self._by_run[doing.run_key] = doing
        if doing.external_id is not None:
            self._by_external[doing.external_id] = doing
        action = self._action(doing)
        if action is not None and action.job is not None:
            self._by_job.setdefault(JobRef(*action.job), {})[doing.outbox_key] = doing

    @property
    def busy(self) -> bool:
        """Whether something may still come of any firing."""
        return bool(self._open)

    @property
    def wake(self) -> int | None:
        """When the next run is taken for lost (µs UTC)."""
        times = (each.fired.next_at for each in self._open.values())
        return min((at for at in times if at is not None), default=None)

    def chain_of(self, key: bytes) -> Sequence[str]:
        """Give the chain of a run that is recognised, or a firing itself; of others nothing."""
        doing = self._by_run.get(key)
        id_ = doing.firing_id if doing is not None else self._by_firing.get(key)
        chain: Sequence[str] = json.loads(self._open[id_].fired.chain) if id_ is not None else ()
        return chain

    def add(
        self, firing: Firing, doings: list[Doing], now: int, followed: Followed
    ) -> tuple[Progress, int | None]:
        """Take a new firing up; give how far it has come at once, and when what it starts is lost (µs UTC)."""
        fired = Fired(
            firing.id, firing.trigger, firing.key, firing.at, firing.consumed_json(), json.dumps(firing.chain),
            Progress.FIRED, None,
        )  # fmt: skip
        self._take_up([fired], doings)
        followed.told.append(_told(fired, RunState.START, firing.at))
        for doing in doings:
            followed.doings[doing.firing_id, doing.action_id] = doing
            if doing.state == Progress.QUEUED:
                followed.queued.append(queued_of(doing, self._action(doing)))
        self._settle(firing.id, now, followed)
        return Progress(fired.state), fired.next_at

    def step(
        self, conn: Connection, sent_ids: Sequence[int], run_ids: Sequence[int], seen: int, now: int
    ) -> Followed:
        """Take in what became of the outbox and of runs, and what time has made lost; it is ``now`` (µs UTC)."""
        followed = Followed()
        touched: dict[str, None] = {}
        if sent_ids:
            for firing_id in self._take_sent(conn, firings.sent(conn, sent_ids), now, followed):
                touched[firing_id] = None
        if run_ids and (self._open or self._any_lost):
            for firing_id in self._take_runs(conn, firings.seen(conn, run_ids), now, followed):
                touched[firing_id] = None
        for each in list(self._open.values()):
            if each.fired.next_at is not None and each.fired.next_at <= seen:
                self._lose(each, seen, now, followed)
                touched[each.fired.id] = None
        for firing_id in touched:
            self._settle(firing_id, now, followed)
        self._tell_effects(conn, followed)
        return followed

    # --- what was sent -----------------------------------------------------------------------------------------

    def _take_sent(
        self, conn: Connection, sent: Iterable[Sent], now: int, followed: Followed
    ) -> Iterable[str]:
        found = list(sent)
        # What has ended is not in memory: the last word may be told when its run is over.
        missing = [each.key for each in found if each.key not in self._by_outbox]
        if missing:
            self._take_up(*firings.doing(conn, missing))
        answered: dict[bytes, Doing] = {}
        for each in found:
            doing = self._by_outbox.get(each.key)
            if doing is None:
                continue  # it was no firing that had it sent
            if each.state == outbox.State.DELIVERED:
                self._take_answer(doing, each, now, followed)
                if doing.run_key is not None and doing.state == Progress.STARTED:
                    answered[doing.run_key] = doing
            elif each.state == outbox.State.PENDING:
                self._revive(doing, followed)
            elif doing.state in (Progress.QUEUED, Progress.DEAD):
                # Of what has been seen to run it does not matter that nobody knows whether it was sent.
                doing.state, doing.error, doing.ended_at = Progress.DEAD, each.error, now
                if each.state == outbox.State.CANCELLED:
                    doing.error = "Somebody cancelled it."
            followed.doings[doing.firing_id, doing.action_id] = doing
            yield doing.firing_id
        # Quick runs have told of themselves before the answer was written down.
        self._stand(conn, answered, now, followed)

    def _take_answer(self, doing: Doing, sent: Sent, now: int, followed: Followed) -> None:
        doing.handle = json.dumps(sent.answer, ensure_ascii=False) if sent.answer else None
        doing.started_at = doing.started_at or now
        self._revive(doing, followed)
        if doing.state == Progress.QUEUED:
            doing.state, doing.error = Progress.STARTED, sent.answer.get("warning")
            doing.ended_at = None if doing.starts else now
        if not doing.starts:
            return
        if doing.external_id is None:
            doing.external_id = sent.answer.get("external_id")
        run_id = sent.answer.get("run_id")
        if doing.run_key is None and isinstance(run_id, str):
            doing.run_id, doing.run_key = run_id, run_key(run_id)
        self._index(doing)

    def _revive(self, doing: Doing, followed: Followed) -> None:
        """Let what could not be sent be on its way again, and what was left out for that wait again."""
        if doing.state != Progress.DEAD:
            return
        doing.state, doing.error, doing.ended_at = Progress.QUEUED, None, None
        alive = {doing.action_id}
        for each in self._open[doing.firing_id].doings:
            action = self._action(each)
            if each.state == Progress.LEFT_OUT and action and action.after and action.after.action in alive:
                each.state, each.ended_at = Progress.WAITING, None
                alive.add(each.action_id)
                followed.doings[each.firing_id, each.action_id] = each

    # --- runs --------------------------------------------------------------------------------------------------

    def _take_runs(
        self, conn: Connection, runs: Sequence[Seen], now: int, followed: Followed
    ) -> Iterable[str]:
        self._find_lost(conn, runs)
        mine: dict[bytes, Doing] = {}
        for run in runs:
            doing = self._recognise(run)
            if doing is not None:
                if doing.run_key is not None:
                    self._by_run.pop(doing.run_key, None)
                doing.run_key, doing.run_id = run.key, run.run_id
                self._by_run[run.key] = mine[run.key] = doing
        self._stand(conn, mine, now, followed)
        return [doing.firing_id for doing in mine.values()]

    def _find_lost(self, conn: Connection, runs: Sequence[Seen]) -> None:
        """Take up firings again whose runs were taken for lost, and have ended. What they left out is left out."""
        ended = [run for run in runs if run.state in OUTCOMES]
        keys = {run.key for run in ended} - self._by_run.keys()
        names = {run.external_id for run in ended if run.external_id is not None} - self._by_external.keys()
        if self._any_lost and (keys or names):
            self._take_up(*firings.lost(conn, keys, names))

    def _recognise(self, run: Seen) -> Doing | None:
        found = self._by_run.get(run.key)
        if found is None and run.external_id is not None:
            found = self._by_external.get(run.external_id)
        if found is not None:
            return found
        # Where the rule names the job, a tool may say nothing of who started it.
        named = self._by_job.get(JobRef(run.job_namespace, run.job_name), {})
        firing_id = self._by_firing.get(run.parent_key) if run.parent_key is not None else None
        if firing_id is not None:
            free = [each for each in self._open[firing_id].doings if _is_free(each)]
            return min(free, key=lambda each: each.outbox_key not in named, default=None)
        began = run.started_at or run.ended_at
        for doing in named.values():
            if _is_free(doing) and began is not None and began >= self._open[doing.firing_id].fired.at:
                return doing
        return None

    def _stand(self, conn: Connection, mine: Mapping[bytes, Doing], now: int, followed: Followed) -> None:
        """Find out how runs stand: of several jobs with one run id the one that goes on counts, or else that failed."""
        by_key: dict[bytes, list[Seen]] = defaultdict(list)
        for run in firings.seen_by_key(conn, mine):
            by_key[run.key].append(run)
        for key, runs in by_key.items():
            doing = mine[key]
            states = {OUTCOMES.get(run.state or "", Progress.RUNNING) for run in runs}
            state = next(
                each for each in (Progress.RUNNING, Progress.FAILED, Progress.COMPLETED) if each in states
            )
            if doing.state == Progress.LOST and state is Progress.RUNNING:
                continue  # only that it has ended would be news
            doing.state = state
            doing.error = (
                next((run.error for run in runs if run.error), None) if state is Progress.FAILED else None
            )
            doing.ended_at = None if state is Progress.RUNNING else max(run.ended_at or 0 for run in runs)
            if doing.job_name is None:
                doing.job_namespace, doing.job_name = runs[0].job_namespace, runs[0].job_name
            doing.started_at = doing.started_at or now
            doing.running_at = doing.running_at or runs[0].started_at or runs[0].ended_at
            followed.doings[doing.firing_id, doing.action_id] = doing

    def _lose(self, each: _Open, seen: int, now: int, followed: Followed) -> None:
        for doing in each.doings:
            if (at := self._lost_at(each, doing)) is not None and at <= seen:
                self._any_lost = True
                doing.state, doing.ended_at = Progress.LOST, now
                doing.error = "Nothing was heard of its end in time."
                followed.doings[doing.firing_id, doing.action_id] = doing

    def _lost_at(self, each: _Open, doing: Doing) -> int | None:
        """Give when a run is taken for lost (µs UTC); None: it is not known to have been started, or has ended."""
        if not doing.starts or doing.state not in GOING_ON or doing.started_at is None:
            return None
        trigger = self._triggers.get(each.fired.trigger_id)
        lost_after = trigger.guard.lost_after if trigger else None
        return doing.started_at + (lost_after or LOST_AFTER)

    # --- what follows ------------------------------------------------------------------------------------------

    def _settle(self, firing_id: str, now: int, followed: Followed) -> None:
        """Queue what waited for what has come about, and find out how far a firing has come."""
        each = self._open[firing_id]
        states = {doing.action_id: doing for doing in each.doings}
        for doing in each.doings:
            if doing.state != Progress.WAITING:
                continue
            action = self._action(doing)
            after = action.after if action is not None else None
            awaited = states.get(after.action) if after is not None else None
            if after is None or awaited is None:
                doing.state, doing.ended_at, doing.error = Progress.LEFT_OUT, now, RULE_CHANGED
            elif after.stage in REACHED.get(awaited.state, ()):
                doing.state = Progress.QUEUED
                followed.queued.append(queued_of(doing, action))
            elif awaited.state not in UNDER_WAY:
                doing.state, doing.ended_at = Progress.LEFT_OUT, now
            else:
                continue
            followed.doings[doing.firing_id, doing.action_id] = doing
        state, fired = state_of(each.doings), each.fired
        losses = (self._lost_at(each, doing) for doing in each.doings)
        next_at = min((at for at in losses if at is not None), default=None)
        turned = state != fired.state
        if (state, next_at) != (fired.state, fired.next_at):
            fired.state, fired.next_at = state, next_at
            fired.error = next((doing.error for doing in deciding(each.doings) if doing.error), None)
            followed.fired[firing_id] = fired
        if state in OPEN:
            # What was dead may be sent again.
            fired.ended_at = None
            return
        # What was over may turn out otherwise: it was sent again, or had been lost.
        if fired.ended_at is None or turned:
            fired.ended_at = now
            followed.fired[firing_id] = fired
            followed.ended.append(fired)
            followed.told.append(_told(fired, TOLD[state], now, each.doings))
        self._drop(each)

    def _drop(self, each: _Open) -> None:
        del self._open[each.fired.id]
        self._by_firing.pop(run_key(each.fired.id), None)
        for doing in each.doings:
            self._by_outbox.pop(doing.outbox_key, None)
            if doing.run_key is not None:
                self._by_run.pop(doing.run_key, None)
            if doing.external_id is not None:
                self._by_external.pop(doing.external_id, None)
            for named in self._by_job.values():
                named.pop(doing.outbox_key, None)

    def _tell_effects(self, conn: Connection, followed: Followed) -> None:
        """Say of what has ended by which jobs the data went on."""
        keys = {run_key(run.run_id) for told in followed.told for run in told.started}
        if not keys:
            return
        led_to = effects.entry_jobs(conn, keys)
        followed.told = [
            told._replace(
                led_to=list(dict.fromkeys(job for run in told.started for job in led_to[run_key(run.run_id)]))
            )
            if told.state is RunState.COMPLETE
            else told
            for told in followed.told
        ]

    def _action(self, doing: Doing) -> Action | None:
        trigger = self._triggers.get(self._open[doing.firing_id].fired.trigger_id)
        actions = trigger.actions if trigger else ()
        return next((each for each in actions if each.id == doing.action_id), None)


def _is_free(doing: Doing) -> bool:
    """Tell whether no run of it has been seen. The id that a target answered with need not be that of the run."""
    return doing.starts and doing.job_name is None and doing.state in STARTING


def _told(fired: Fired, state: RunState, at: int, doings: Sequence[Doing] = ()) -> Told:
    started = [
        Started(JobRef(doing.job_namespace, doing.job_name), doing.run_id)
        for doing in doings
        if doing.job_namespace is not None and doing.job_name is not None and doing.run_id is not None
    ]
    return Told(
        fired.id,
        fired.trigger_id,
        fired.key,
        state,
        at,
        json.loads(fired.consumed),
        started,
        error=fired.error,
    )
