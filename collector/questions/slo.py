"""Which share of the deadlines was met, by dataset, owner, expectation or tag, and what is left of the error budget."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Final

from collector.questions.scope import Scope
from collector.questions.standings import named_in
from collector.storage import labels
from collector.storage.node_facts import all_names, canonical
from collector.storage.outcomes import Tally, account, misses, objectives
from collector.storage.standing_reads import definitions
from collector.times import EPOCH
from lineage.model import DatasetRef
from lineage.traverse import text
from triggers.model import Objective

THIRTY_DAYS: Final = 30 * 86_400_000_000
"""µs that are looked back where there is no objective."""


class Group(StrEnum):
    """What is counted together. A dataset of several owners, or with several tags, counts for each of them."""

    DATASET = "dataset"
    OWNER = "owner"
    EXPECTATION = "expectation"
    TAG = "tag"


class Period(StrEnum):
    """The part of the calendar, in UTC, in which now lies."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"

    def start(self, now: int) -> int:
        """Give when it began (µs UTC)."""
        today = datetime.fromtimestamp(now // 1_000_000, UTC).date()
        match self:
            case Period.WEEK:
                first = today.fromordinal(today.toordinal() - today.weekday())
            case Period.MONTH:
                first = today.replace(day=1)
            case Period.QUARTER:
                first = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
            case _:
                first = today
        return int((datetime.combine(first, time(), UTC) - EPOCH).total_seconds()) * 1_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """How many deadlines may be missed, and how many were, of those that have an objective."""

    allowed: float
    missed: int
    exhausted_at: int | None
    """The deadline (µs UTC) whose miss left nothing; None: something is left."""

    @property
    def left(self) -> float:
        """How many more may be missed; below nothing where too many were."""
        return round(self.allowed - self.missed, 9)

    @property
    def left_share(self) -> float | None:
        """The part of the budget that is left; None: there was none to begin with."""
        return self.left / self.allowed if self.allowed else None

    @property
    def burned(self) -> float | None:
        """The part of the budget that is used; None: there was none to begin with."""
        return self.missed / self.allowed if self.allowed else None


@dataclass(frozen=True, slots=True)
class Line:
    """What became of the deadlines of one group; instants in µs UTC."""

    who: str | None
    """An owner, a tag, the id of an expectation or of a dataset; None: what has no owner, or no tag."""
    since: int
    """From when on deadlines were counted: the earliest, if the objectives of several have several periods."""
    deadlines: int
    met: int
    excluded: int
    objective: float | None
    """The share to be met, if there is one for all of them."""
    budget: Budget | None
    """None: nothing here has an objective."""

    @property
    def share(self) -> float | None:
        """The share that was met; None: there were no deadlines."""
        return self.met / self.deadlines if self.deadlines else None


@dataclass(frozen=True, slots=True)
class Account:
    """Some lines, the worst first, and how many to skip for the next ones (None: there are no more)."""

    until: int
    lines: list[Line]
    next: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be counted; instants in µs UTC.

    Without ``since``, deadlines of an expectation count for as long as the period of its objective is, or thirty days.
    """

    group: Group
    since: int | None
    until: int
    namespace: str | None = None
    expectation: str | None = None


def slo(scope: Scope, asked: Asked, *, skip: int, limit: int) -> Account:
    """Give the account, group by group: first the one with the smallest share of deadlines met."""
    wanted = objectives(scope.conn)
    tallies = _visible(scope, asked, _tallies(scope, asked, wanted))
    groups = _groups(scope, asked, tallies)
    lines = sorted(
        ((who, _line(asked, who, of_group, wanted)) for who, of_group in groups.items()),
        key=lambda each: (
            math.inf if each[1].share is None else each[1].share,
            each[0] is None,
            each[0] or "",
        ),
    )
    page = [_with_end(scope, asked, line, groups[who], wanted) for who, line in lines[skip : skip + limit]]
    return Account(asked.until, page, skip + limit if len(lines) > skip + limit else None)


def lines(
    scope: Scope,
    wanted: Mapping[tuple[str, int], Objective | None],
    of_name: Mapping[tuple[str, int], tuple[str, int]],
) -> dict[tuple[str, int], Line]:
    """Give the line of each of these (expectation, canonical dataset) with their objectives, up to now.

    ``of_name`` leads from an expectation and any name of a dataset to one of these. Since when nothing is left of a
    budget, is not looked for.
    """
    asked = Asked(Group.DATASET, None, scope.now)
    mine: defaultdict[tuple[str, int], list[Tally]] = defaultdict(list)
    for since in {_since(asked, objective) for objective in wanted.values()}:
        ids = {name for (_, name), key in of_name.items() if _since(asked, wanted[key]) == since}
        for tally in account(scope.conn, since, asked.until, dataset_ids=ids):
            key = of_name.get((tally.expectation_id, tally.dataset_id))
            if key is not None and _since(asked, wanted[key]) == since:
                mine[key].append(tally)
    found = {}
    for key, objective in wanted.items():
        objectives_ = {} if objective is None else {key[0]: objective}
        empty = Tally(*key, deadlines=0, met=0, excluded=0)
        found[key] = _line(asked, None, mine.get(key) or [empty], objectives_)
    return found


def _since(asked: Asked, objective: Objective | None) -> int:
    if asked.since is not None:
        return asked.since
    return max(0, asked.until - (objective.period if objective else THIRTY_DAYS))


def _tallies(scope: Scope, asked: Asked, wanted: Mapping[str, Objective]) -> list[Tally]:
    """Count from the time on that each expectation is to be counted from."""
    sinces = {_since(asked, objective) for objective in (None, *wanted.values())}
    return [
        tally
        for since in sinces
        for tally in account(scope.conn, since, asked.until, expectation_id=asked.expectation)
        if _since(asked, wanted.get(tally.expectation_id)) == since
    ]


def _visible(scope: Scope, asked: Asked, tallies: Iterable[Tally]) -> dict[str, list[Tally]]:
    """Give what the caller may see, and asked for, by the id of the dataset as answers write it."""
    found = list(tallies)
    ids = {each.dataset_id for each in found}
    # Names that have become one since are counted as one.
    known = canonical(scope.conn, ids)
    names = scope.graph().datasets(set(known.values()))
    unknown = {each.expectation_id for each in found if each.dataset_id not in known}
    bodies = definitions(scope.conn, unknown)
    shown: defaultdict[str, list[Tally]] = defaultdict(list)
    for each in found:
        canonical_id = known.get(each.dataset_id)
        if canonical_id is None:
            ref = named_in(bodies.get(each.expectation_id, {}), each.dataset_id)
            refs = [ref] if ref is not None and scope.sees(ref.namespace) else []
        else:
            named = names.get(canonical_id)
            refs = [DatasetRef(named.namespace, named.name), *named.others] if named else []
            each = each._replace(dataset_id=canonical_id)
        if refs and asked.namespace in (None, *(ref.namespace for ref in refs)):
            shown[text("dataset", refs[0])].append(each)
    return shown


def _groups(
    scope: Scope, asked: Asked, tallies: Mapping[str, list[Tally]]
) -> Mapping[str | None, list[Tally]]:
    found: defaultdict[str | None, list[Tally]] = defaultdict(list)
    ids = {each.dataset_id for of_dataset in tallies.values() for each in of_dataset}
    of_datasets: Mapping[int, Collection[str]] = {}
    if asked.group is Group.OWNER:
        of_datasets = labels.owners(scope.conn, ids, visible=scope.visible)
    elif asked.group is Group.TAG:
        of_datasets = labels.tags(scope.conn, ids, visible=scope.visible)
    for dataset, of_dataset in tallies.items():
        for each in of_dataset:
            if asked.group is Group.DATASET:
                found[dataset].append(each)
            elif asked.group is Group.EXPECTATION:
                found[each.expectation_id].append(each)
            else:
                who = set(of_datasets.get(each.dataset_id, ()))
                for one in who or (None,):
                    found[one].append(each)
    return found


def _line(asked: Asked, who: str | None, tallies: list[Tally], wanted: Mapping[str, Objective]) -> Line:
    objectives_ = {wanted.get(each.expectation_id) for each in tallies}
    shares = {objective.share for objective in objectives_ if objective is not None}
    budgeted = [each for each in tallies if each.expectation_id in wanted]
    allowed = sum((1 - wanted[each.expectation_id].share) * each.deadlines for each in budgeted)
    missed = sum(each.deadlines - each.met for each in budgeted)
    return Line(
        who,
        min(_since(asked, objective) for objective in objectives_),
        sum(each.deadlines for each in tallies),
        sum(each.met for each in tallies),
        sum(each.excluded for each in tallies),
        shares.pop() if len(shares) == 1 and None not in objectives_ else None,
        # Without the noise of binary fractions: one percent of a hundred deadlines is one.
        Budget(round(allowed, 9), missed, None) if budgeted else None,
    )


def _with_end(
    scope: Scope, asked: Asked, line: Line, tallies: list[Tally], wanted: Mapping[str, Objective]
) -> Line:
    """Find out since when nothing is left of the budget, if so."""
    budget = line.budget
    if budget is None or not budget.missed or budget.left > 0:
        return line
    mine = {(each.expectation_id, each.dataset_id) for each in tallies if each.expectation_id in wanted}
    ids = {dataset_id for _, dataset_id in mine}
    # Entered under names that have become one with these since.
    names = {name: id_ for id_, same in all_names(scope.conn, ids).items() for name in same}
    names |= {id_: id_ for id_ in ids}
    found = [
        each.deadline
        for each in misses(
            scope.conn, line.since, asked.until, dataset_ids=names.keys(), expectation_id=asked.expectation
        )
        if (each.expectation_id, names[each.dataset_id]) in mine
        and each.deadline >= _since(asked, wanted[each.expectation_id])
    ]
    last = found[max(1, math.ceil(budget.allowed)) - 1]
    ended = Budget(budget.allowed, budget.missed, last)
    return Line(line.who, line.since, line.deadlines, line.met, line.excluded, line.objective, ended)
