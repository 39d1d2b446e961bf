"""Which datasets are one: keeps ``dataset_alias`` and ``dataset.canonical_id`` in step with names, events and rules.

A set of names is found by its canonical id, so what is new touches the sets that it joins and no others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union,
    union_all,
)

from collector.storage import upsert
from collector.storage.facts import What, tell
from collector.storage.tables import dataset, dataset_alias, namespace
from lineage.identity import Pair, Rules, canonical_ids
from lineage.model import AliasSeen, DatasetRef, Reason

CACHED_PAIRS = 200_000
"""Pairs known to be written already: most events repeat their symlinks. Some 200 bytes each."""

PIECE = 5_000
"""Datasets to which changed rules are applied in one transaction: a fraction of a second."""

Details = dict[Pair, str | None]
"""Pairs of names, each with what is to be said of it besides its reason."""


@dataclass(slots=True)
class Joined:
    """What becomes of sets of names."""

    canonical: dict[int, int] = field(default_factory=dict)
    """The canonical id of every dataset of the touched sets."""
    before: dict[int, int] = field(default_factory=dict)
    """The one that it has now, of those that are stored."""
    names: dict[int, DatasetRef] = field(default_factory=dict)

    @property
    def moved(self) -> list[tuple[int, int]]:
        """Datasets that get another canonical id. New ones are written with their own."""
        return [(id_, new) for id_, new in self.canonical.items() if self.before.get(id_, id_) != new]


class RuleChanges(NamedTuple):
    """What changed rules do to some datasets, in the order of their ids."""

    wanted: Details
    """All pairs that the rules make of them."""
    put: Details
    gone: list[Pair]
    last: int
    """The last id that was looked at; more may follow."""


class Identity:
    """The sets of one database. Keeps in memory what it has written: it must be their only writer."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self._known: Details = {}

    def forget(self) -> None:
        """Drop what is kept in memory: a transaction failed, or somebody else has written."""
        self._known.clear()

    def advance(
        self, conn: Connection, added: Mapping[int, DatasetRef], seen: Iterable[AliasSeen]
    ) -> tuple[list[tuple[Any, ...]], list[tuple[int, int]]]:
        """Take up datasets that may be new, and pairs that events tell of, whether new or not.

        Returns:
            Rows to write to ``dataset_alias``, and datasets with the canonical id that replaces theirs; a new one
            is written with its own. The one statement that new datasets cost asks whether somebody waits for them:
            they may be the normal form of another, or the target of a rule.
        """
        if len(self._known) > CACHED_PAIRS:
            self._known.clear()
        pairs: Details = {
            Pair(id_, other.ref.id, other.reason): other.detail
            for id_, ref in added.items()
            for other in self.rules.other_names(ref)
        }
        told: Details = {}
        for alias in seen:
            pair = Pair(alias.dataset.id, alias.other.id, alias.reason)
            told[pair] = _least(told.get(pair), alias.detail)
        told = self._news(told)
        stored = {pair.dataset_id for pair in told} - added.keys()
        if stored:
            for pair, detail in pairs_of(conn, stored).items():
                self._known[pair] = detail
            told = self._news(told)
        pairs |= told
        if not pairs and not added:
            return [], []
        self._known |= pairs
        rows = [(*pair, detail) for pair, detail in pairs.items()]
        if any(pair.reason == Reason.RENAME for pair in pairs):
            # The name before may have stood for all the others; any of them may be next.
            return rows, rejoin(conn, sets_with(conn, _ends(pairs) | added.keys()), added, pairs).moved
        return rows, extend(conn, added, pairs)

    def _news(self, pairs: Details) -> Details:
        """Leave out what is written already. Of two details the smaller one stays, whichever came first."""
        return {
            pair: detail
            for pair, detail in pairs.items()
            if pair not in self._known or _least(self._known[pair], detail) != self._known[pair]
        }


def extend(conn: Connection, added: Mapping[int, DatasetRef], put: Collection[Pair]) -> list[tuple[int, int]]:
    """Give the canonical ids that change when names and pairs are added, of which none is a rename.

    A set stands for all of its names here, be they a hundred thousand partitions: an addition makes no name worse,
    and only those that it is about better. So the next canonical name is one of these, of the new, and of the old
    canonical ones.
    """
    stored = _canonical_of(conn, _ends(put) | added.keys())
    if not put and all(known for _, _, known in stored):
        return []
    old = {canonical for _, canonical, _ in stored}
    names = dict(added)
    own = {id_: canonical for id_, canonical, known in stored if known}
    candidates = old | own.keys()
    for row in conn.execute(_members().where(upsert.among(conn, dataset.c.id, candidates))):
        names[row.id] = DatasetRef(row.namespace, row.name)
    by_rule = select(dataset_alias.c.dataset_id, dataset_alias.c.other_id, dataset_alias.c.reason).where(
        # Rules may have made new names long before anybody used them.
        upsert.among(conn, dataset_alias.c.other_id, candidates | added.keys()),
        dataset_alias.c.reason.in_([Reason.RULE, Reason.RENAME]),
    )
    pairs = {*put, *pairs_of(conn, candidates), *(Pair(*row) for row in conn.execute(by_rule))}
    pairs |= {Pair(id_, canonical, "") for id_, canonical, _ in stored}
    chosen = canonical_ids(names, pairs)
    moved = {id_: chosen[id_] for id_ in added if chosen[id_] != own.get(id_, id_)}
    replaced = [id_ for id_ in old if chosen[id_] != id_]
    if replaced:
        members = select(dataset.c.id, dataset.c.canonical_id)
        found = conn.execute(members.where(upsert.among(conn, dataset.c.canonical_id, replaced)))
        moved |= {id_: chosen[canonical] for id_, canonical in found}
    return list(moved.items())


def _canonical_of(conn: Connection, ids: Collection[int]) -> list[tuple[int, int, bool]]:
    """Give, of these ids, those that stored sets have as a name, with the canonical id, and whether it is stored."""
    own = select(dataset.c.id, dataset.c.canonical_id, true()).where(upsert.among(conn, dataset.c.id, ids))
    others = (
        select(dataset_alias.c.other_id, func.min(dataset.c.canonical_id), false())
        .join_from(dataset_alias, dataset, dataset.c.id == dataset_alias.c.dataset_id)
        .where(upsert.among(conn, dataset_alias.c.other_id, ids))
        .group_by(dataset_alias.c.other_id)
    )
    return [(id_, canonical, bool(known)) for id_, canonical, known in conn.execute(union_all(own, others))]


def _ends(pairs: Iterable[Pair]) -> set[int]:
    return {id_ for pair in pairs for id_ in pair[:2]}


def sets_with(conn: Connection, ids: Collection[int]) -> set[int]:
    """Give the canonical ids of the stored sets that have one of these names, as their own or as another's."""
    own = select(dataset.c.canonical_id).where(upsert.among(conn, dataset.c.id, ids))
    others = (
        select(dataset.c.canonical_id)
        .join_from(dataset_alias, dataset, dataset.c.id == dataset_alias.c.dataset_id)
        .where(upsert.among(conn, dataset_alias.c.other_id, ids))
    )
    return set(conn.execute(union(own, others)).scalars())


def rejoin(
    conn: Connection,
    sets: Collection[int],
    added: Mapping[int, DatasetRef],
    put: Collection[Pair],
    gone: Collection[Pair] = (),
) -> Joined:
    """Form these sets anew, with more names and pairs, and without some pairs."""
    names, before = dict(added), {}
    for row in (
        conn.execute(_members().where(upsert.among(conn, dataset.c.canonical_id, sets))) if sets else ()
    ):
        names[row.id] = DatasetRef(row.namespace, row.name)
        before[row.id] = row.canonical_id
    pairs = set(pairs_of(conn, before)) if before else set()
    return Joined(canonical_ids(names, (pairs - set(gone)) | set(put)), before, names)


def pairs_of(conn: Connection, ids: Collection[int], *reasons: Reason) -> Details:
    """Give the stored pairs of these datasets, or of these reasons only."""
    found = select(dataset_alias).where(upsert.among(conn, dataset_alias.c.dataset_id, ids))
    if reasons:
        found = found.where(dataset_alias.c.reason.in_(reasons))
    return {Pair(row.dataset_id, row.other_id, row.reason): row.detail for row in conn.execute(found)}


def changes_by_rules(conn: Connection, rules: Rules, after: int) -> RuleChanges | None:
    """Compare what rules say of the next ``PIECE`` datasets with what is stored; None: there are no more.

    Looks at names, not at the log: those of namespaces that a rule is about, and those that a rule was about.
    """
    places = [row.id for row in conn.execute(select(namespace)) if rules.cover(row.name)]
    start = literal(after, BigInteger)
    ruled = select(dataset_alias.c.dataset_id).where(
        dataset_alias.c.dataset_id > start, dataset_alias.c.reason == Reason.RULE
    )
    # Of a name that a rule is about, other spellings are too: their normal form tells.
    spelt = select(dataset_alias.c.dataset_id).where(
        upsert.among(conn, dataset_alias.c.other_id, rules.exact_ids)
    )
    concerned = or_(
        upsert.among(conn, dataset.c.namespace_id, places),
        upsert.among(conn, dataset.c.id, rules.exact_ids),
        dataset.c.id.in_(ruled),
        dataset.c.id.in_(spelt),
    )
    more = dataset.c.id > start, dataset.c.job_id.is_(None), concerned
    rows = conn.execute(_members().where(*more).order_by(dataset.c.id).limit(PIECE)).all()
    if not rows:
        return None
    wanted: Details = {
        Pair(row.id, other.ref.id, other.reason): other.detail
        for row in rows
        for other in rules.other_names(DatasetRef(row.namespace, row.name))
        if other.reason is Reason.RULE
    }
    stored = pairs_of(conn, [row.id for row in rows], Reason.RULE)
    put = {pair: detail for pair, detail in wanted.items() if stored.get(pair, "") != detail}
    return RuleChanges(wanted, put, [pair for pair in stored if pair not in wanted], rows[-1].id)


def write_rule_changes(conn: Connection, changes: RuleChanges, now: int) -> None:
    """Bring pairs and sets up to date with rules, in a writing transaction of the sets' only writer (now in µs UTC)."""
    touched = _ends((*changes.put, *changes.gone))
    if not touched:
        return
    joined = rejoin(conn, sets_with(conn, touched), {}, changes.put, changes.gone)
    upsert.delete_rows(conn, dataset_alias, changes.gone)
    rows = [(*pair, detail) for pair, detail in changes.put.items()]
    upsert.write_rows(conn, dataset_alias, upsert.names(dataset_alias), rows, upsert.replace(dataset_alias))
    upsert.update_rows(conn, dataset, ("canonical_id",), joined.moved)
    # The name that stood for a part that has left, too.
    moved = {id_ for id_, _ in joined.moved} | {joined.before[id_] for id_, _ in joined.moved}
    tell(conn, dict.fromkeys(moved, What.NAME), now)


def _members() -> Select[tuple[int, str, str, int]]:
    return select(
        dataset.c.id, namespace.c.name.label("namespace"), dataset.c.name, dataset.c.canonical_id
    ).join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)


def _least(one: str | None, other: str | None) -> str | None:
    return min((text for text in (one, other) if text is not None), default=None)
