"""What triggers wait for and what they start: the content of rule files, after reading. Times in µs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import Any, Final

from triggers.calendars import Calendar
from triggers.errors import RuleError
from triggers.model import Assertions, CatchUp, Grain, KeySource, Selector
from triggers.zones import zone

NAMESPACE: Final = "tidegate"
"""The namespace of the jobs that triggers are in the graph; the name of such a job is the id of its trigger."""


ROLLUPS: Final = frozenset(
    {
        (Grain.DAY, Grain.HOUR),
        (Grain.WEEK, Grain.HOUR),
        (Grain.WEEK, Grain.DAY),
        (Grain.MONTH, Grain.HOUR),
        (Grain.MONTH, Grain.DAY),
    }
)
"""Which partitions are made of which finer ones."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What must be so for an update to count. ``assertions.wait`` is how long after it the checks may come.

    ``expectations`` are ids of rules: none of the datasets that they are on, and of an expectation on the very dataset
    that one, may be other than as expected when the engine has looked at the update.
    """

    assertions: Assertions | None = None
    expectations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Input:
    """Something that is waited for: an update of any of the datasets of ``selector``.

    An ``optional`` one is taken along, not waited for. ``grain``, finer than that of the join: all its partitions of
    that time must be there (24 hours for a day).
    """

    id: str
    selector: Selector
    optional: bool = False
    gate: Gate | None = None
    grain: Grain | None = None


@dataclass(frozen=True, slots=True)
class AtLeast:
    """So many of the parts hold: all, any (one), or n of them."""

    count: int
    of: tuple[Input | AtLeast, ...]

    def __post_init__(self) -> None:
        required = sum(not (isinstance(each, Input) and each.optional) for each in self.of)
        if not self.of or not 1 <= self.count <= required:
            raise RuleError(f"{self.count} of {required} required parts can never be, or always are, there")

    def inputs(self) -> Iterator[Input]:
        """Give the inputs, in the order in which they are written."""
        for each in self.of:
            if isinstance(each, Input):
                yield each
            else:
                yield from each.inputs()


class Mode(StrEnum):
    """When updates of several inputs belong together."""

    LATCHED = "latched"
    """Each since the last firing, none longer ago than ``expire``."""
    WINDOW = "window"
    """All within ``within`` of each other, by the time of receipt."""
    EPOCH = "epoch"
    """All since the last tick of a schedule, one firing a tick."""
    PARTITION = "partition"
    """All of the same partition."""
    LEVEL = "level"
    """Any update, while all inputs are as they should be."""


@dataclass(frozen=True, slots=True)
class Keys:
    """How it is known which partition an update wrote, as the local time (no zone) at which the partition begins.

    ``sources`` are asked in order, then ``patterns``: regular expressions, of which the first group (or all that
    matches) is found in the name of the dataset and read as a partition.
    """

    sources: tuple[KeySource, ...] = (KeySource.SUBSET, KeySource.NOMINAL)
    grain: Grain = Grain.DAY
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """How updates come together. ``expire``: a join that is not complete is given up so long after it began.

    ``schedule`` (cron) makes epochs; updates that come up to ``tolerance`` before a tick belong to it.
    """

    mode: Mode = Mode.LEVEL
    expire: int | None = None
    within: int | None = None
    schedule: str | None = None
    tolerance: int = 0
    keys: Keys | None = None

    def __post_init__(self) -> None:
        wanted = {
            Mode.LATCHED: "expire",
            Mode.WINDOW: "within",
            Mode.EPOCH: "schedule",
            Mode.PARTITION: "keys",
        }
        if (name := wanted.get(self.mode)) and getattr(self, name) is None:
            raise RuleError(f"a join of mode {self.mode} needs {'key' if name == 'keys' else name}")
        for other in ("within", "schedule", "keys"):
            if other != name and getattr(self, other) is not None:
                raise RuleError(f"means nothing in mode {self.mode}", "key" if other == "keys" else other)


class Then(StrEnum):
    """What happens to a join that is not complete at its deadline."""

    ALERT = "alert"
    """People are told what is missing; it goes on waiting."""
    FIRE_PARTIAL = "fire_partial"
    """It fires with what is there."""
    DROP = "drop"
    """It is given up."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when a join is to be complete: ``after`` it began, or ``at`` a time of day.

    Of an epoch that is the first such time after its tick, else the first after the join began, and of a partition also
    after the time that it holds; with a calendar the first on a working day. A join begins with the first update of
    an input that is not optional.
    """

    then: Then
    at: time | None = None
    after: int | None = None
    calendar: Calendar | None = None

    def __post_init__(self) -> None:
        if (self.at is None) == (self.after is None):
            raise RuleError("a deadline is at a time of day or some time after the join began")
        if self.calendar is not None and self.at is None:
            raise RuleError("only a time of day goes by a calendar", "calendar")


@dataclass(frozen=True, slots=True)
class Guard:
    """What holds back a join that is complete. It fires once when nothing does any more, with all that came meanwhile.

    ``quiet``: nothing has come for so long, but ``max_wait`` after it was complete in any case. ``cooldown``: so long
    after the last firing of the same key. ``max_in_flight``: fewer runs that it started, of the same key, go on; one of
    which nothing was heard is taken for lost ``lost_after`` its start. ``max_fires`` in ``per``: one more, of any key,
    stops the trigger until somebody resumes it. ``max_chain``: how often the trigger may stand in the chain of causes
    of its own input.
    """

    quiet: int | None = None
    max_wait: int | None = None
    cooldown: int | None = None
    max_in_flight: int | None = None
    lost_after: int | None = None
    max_fires: int | None = None
    per: int | None = None
    max_chain: int = 1

    def __post_init__(self) -> None:
        if self.max_in_flight is not None and self.lost_after is None:
            raise RuleError(
                "max_in_flight needs lost_after: the end of a run may never be heard of", "lost_after"
            )
        if (self.max_fires is None) != (self.per is None):
            raise RuleError("max_fires is a count in some time", "max_fires")
        if self.max_wait is not None and (self.quiet is None or self.max_wait < self.quiet):
            raise RuleError("max_wait bounds a longer wait than quiet", "debounce", "max_wait")


class Delivery(StrEnum):
    """What is done when nobody knows whether a request arrived."""

    AT_LEAST_ONCE = "at_least_once"
    """It is sent again, with the same key."""
    AT_MOST_ONCE = "at_most_once"
    """It is not."""


class Stage(StrEnum):
    """How far something that a firing started has come."""

    STARTED = "started"
    """The target took the request."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    LOST = "lost"
    """Nothing was heard of it for ``lost_after``."""


@dataclass(frozen=True, slots=True)
class After:
    """That an action waits until another one of the same firing has come to a stage."""

    action: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Action:
    """What a firing does: sends to ``target``. ``options`` are as the rule file has them, with templates in texts.

    ``starts``: a run follows, of which events are expected. ``job`` (namespace, name) tells which job's, where the
    check for loops cannot know it.
    """

    id: str
    target: str
    starts: bool
    options: Mapping[str, Any] = field(default_factory=dict)
    after: After | None = None
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    job: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """Who is told when a gate holds an update back, and in what words (a template)."""

    target: str
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What is waited for, and what is done then.

    ``earliest``: not before this time of the day on which it is complete. ``schedule`` (cron): once a tick, at the tick
    or when it is complete after it. ``catch_up`` and ``catch_up_window`` are about epochs and ticks that passed while
    nobody was looking.
    """

    id: str
    when: AtLeast
    join: Join
    actions: tuple[Action, ...]
    timezone: str = "UTC"
    earliest: time | None = None
    schedule: str | None = None
    deadline: Deadline | None = None
    guard: Guard = Guard()
    catch_up: CatchUp = CatchUp.LAST
    catch_up_window: int | None = None
    on_blocked: Blocked | None = None

    def __post_init__(self) -> None:
        zone(self.timezone)
        if self.schedule is not None and self.join.schedule is not None:
            raise RuleError("epochs have a schedule already", "schedule")
        ids = [each.id for each in self.when.inputs()]
        if len(set(ids)) < len(ids):
            raise RuleError("two inputs have the same id", "when")
        known: dict[str, Action] = {}
        for number, each in enumerate(self.actions):
            if each.id in known:
                raise RuleError(f"there is an action {each.id!r} already", "do", number, "id")
            if each.after is not None and each.after.action not in known:
                raise RuleError(
                    f"there is no action {each.after.action!r} before this one", "do", number, "after"
                )
            if (
                each.after is not None
                and not known[each.after.action].starts
                and each.after.stage is not Stage.STARTED
            ):
                raise RuleError(
                    "nothing is heard of what was only told: wait for started", "do", number, "after"
                )
            known[each.id] = each
        for wanted in self.when.inputs():
            if wanted.grain is None:
                continue
            if self.join.keys is None:
                raise RuleError("only in a join by partition does an input have a grain", "when")
            if (self.join.keys.grain, wanted.grain) not in ROLLUPS:
                raise RuleError(f"a {self.join.keys.grain} is not made of whole {wanted.grain}s", "when")

    @property
    def inputs(self) -> dict[str, Input]:
        """The inputs by id."""
        return {each.id: each for each in self.when.inputs()}
