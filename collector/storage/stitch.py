"""What suggestions of names that are one dataset are made from, and what people have decided about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, select

from collector.storage import aliases, upsert
from collector.storage.facet_reads import current_facet
from collector.storage.selects import chunks
from collector.storage.tables import dataset, derivation, edge, hidden, namespace, stitch_decision
from collector.storage.visibility import Visible, within
from lineage.identity import FORMS, Rule, rule_of
from lineage.model import DatasetRef, Direction
from lineage.stitch import Candidate, Facts, Suggestion, promising, suggest

MOST_NAMES: Final = 200_000
"""Names that are looked at; some 40 µs each."""

MOST_COMPARED: Final = 20_000
"""Names that are compared, with their columns and jobs: those that fewest others are like. Some 0.2 ms each."""

Decision = Literal["accepted", "dismissed"]


@dataclass(frozen=True, slots=True)
class Suggested:
    """The suggestions, the best first. ``truncated``: there are more names than were looked at."""

    items: list[Suggestion]
    truncated: bool

    def find(self, one: DatasetRef, other: DatasetRef) -> Suggestion | None:
        """Give the suggestion about two names, whichever comes first."""
        wanted = {one, other}
        return next((item for item in self.items if {item.one, item.other} == wanted), None)


def suggested(conn: Connection, *, visible: Visible) -> Suggested:
    """Make the suggestions from what is known now. Takes a second for some ten thousand names."""
    rows = conn.execute(
        select(dataset.c.id, dataset.c.canonical_id, namespace.c.name.label("namespace"), dataset.c.name)
        .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
        .outerjoin(hidden, hidden.c.owner_id == dataset.c.id)
        .where(
            dataset.c.job_id.is_(None),
            dataset.c.artificial.is_(False),
            hidden.c.owner_id.is_(None),
            within(dataset.c.namespace_id, visible),
        )
        .limit(MOST_NAMES + 1)
    ).all()
    names = [(DatasetRef(row.namespace, row.name), row.canonical_id) for row in rows[:MOST_NAMES]]
    compared, left_out = promising(names, MOST_COMPARED)
    facts = _facts(conn, [rows[position].id for position in compared])
    unknown, skipped = Facts(), set(left_out)
    # Also the names that no other is like: how many tables a schema has tells something.
    candidates = [
        Candidate(ref, set_id, facts.get(rows[position].id, unknown))
        for position, (ref, set_id) in enumerate(names)
        if position not in skipped
    ]
    standing = [rule_of(body) for body in aliases.bodies(conn)]
    items = suggest(candidates, _dismissed(conn), standing)
    return Suggested(items, len(rows) > MOST_NAMES or bool(left_out))


def facts_of(conn: Connection, refs: Collection[DatasetRef]) -> dict[DatasetRef, Facts]:
    """Give what is known of names besides the names: that from which suggestions are made."""
    found = _facts(conn, [ref.id for ref in refs])
    return {ref: found[ref.id] for ref in refs}


def accept(
    conn: Connection, suggestion: Suggestion, now: int, by: str | None, *, exact: bool = False
) -> tuple[list[dict[str, Any]], int]:
    """Add the rules that join the two names; ``exact``: and nothing else.

    Returns:
        The rules, and the revision of the rules that the projector will follow.
    """
    rules: Collection[Rule] = (suggestion.exact,) if exact else suggestion.rules
    bodies = [body_of(rule) for rule in rules]
    revision = max(aliases.append(conn, body) for body in bodies)
    decide(conn, suggestion.one, suggestion.other, "accepted", now, by)
    return bodies, revision


def decide(
    conn: Connection, one: DatasetRef, other: DatasetRef, decision: Decision, now: int, by: str | None
) -> None:
    """Remember what somebody said of two names; the last word counts. ``now`` in µs UTC."""
    row = (*sorted((one.id, other.id)), decision, now, by)
    upsert.write_rows(
        conn,
        stitch_decision,
        upsert.names(stitch_decision),
        [row],
        upsert.replace(stitch_decision),
    )


def body_of(rule: Rule) -> dict[str, Any]:
    """Write a rule as documents do; the reverse of ``lineage.identity.rule_of``."""
    form = next(form for form, kind in FORMS.items() if isinstance(rule, kind))
    values = asdict(rule).items()
    return {form: {key: list(value) if isinstance(value, tuple) else value for key, value in values if value}}


def _dismissed(conn: Connection) -> set[frozenset[int]]:
    """Give the pairs of sets that hold two names of which somebody said that they are two datasets."""
    one, other = dataset.alias("one"), dataset.alias("other")
    rows = conn.execute(
        select(one.c.canonical_id.label("first"), other.c.canonical_id.label("second"))
        .join_from(stitch_decision, one, one.c.id == stitch_decision.c.dataset_id)
        .join(other, other.c.id == stitch_decision.c.other_id)
        .where(stitch_decision.c.decision == "dismissed")
    )
    return {frozenset((row.first, row.second)) for row in rows}


def _facts(conn: Connection, ids: Collection[int]) -> dict[int, Facts]:
    columns: defaultdict[int, set[str]] = defaultdict(set)
    jobs: dict[Direction, defaultdict[int, set[int]]] = {
        direction: defaultdict(set) for direction in (Direction.INPUT, Direction.OUTPUT)
    }
    sources: dict[int, frozenset[str]] = {}
    for part in chunks(list(ids)):
        for id_, version in current_facet(conn, part, "schema").items():
            columns[id_] |= _field_names(msgspec.json.decode(version.body))
        for id_, version in current_facet(conn, part, "dataSource").items():
            uri = _mapping(msgspec.json.decode(version.body)).get("uri")
            if isinstance(uri, str) and uri:
                sources[id_] = frozenset({uri})
        # What column lineage reads of it.
        read = select(derivation.c.dataset_id, derivation.c.field).distinct()
        wanted = upsert.among(conn, derivation.c.dataset_id, part), derivation.c.field.is_not(None)
        for row in conn.execute(read.where(*wanted)):
            columns[row.dataset_id].add(row.field.casefold())
        # At any time: who has stopped writing has written it all the same.
        used = select(edge.c.dataset_id, edge.c.job_id, edge.c.direction).distinct()
        mine = upsert.among(conn, edge.c.dataset_id, part), edge.c.direction.in_([int(way) for way in jobs])
        for id_, job_id, direction in conn.execute(used.where(*mine)):
            jobs[Direction(direction)][id_].add(job_id)
    return {
        id_: Facts(
            frozenset(columns[id_]),
            frozenset(jobs[Direction.OUTPUT][id_]),
            frozenset(jobs[Direction.INPUT][id_]),
            sources.get(id_, frozenset()),
        )
        for id_ in ids
    }


def _field_names(body: object) -> set[str]:
    fields = _mapping(body).get("fields")
    found = (_mapping(field).get("name") for field in fields) if isinstance(fields, list) else ()
    return {name.casefold() for name in found if isinstance(name, str)}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
