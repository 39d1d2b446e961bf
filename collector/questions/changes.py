"""What has changed since an instant, upstream of a node: edges, schemas, code, and how runs ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import msgspec

from collector.questions.difference import Around, EdgeDifference, difference
from collector.questions.scope import Scope
from collector.storage.node_facts import all_names, newest_runs
from collector.storage.recent import FacetChange, facet_changes, run_tallies
from collector.storage.runs import RunRow
from lineage.changes import CODE, SCHEMA, schema_change, schema_words
from lineage.timeline import NOW, Moment
from lineage.traverse import Way

MOST_OF_A_KIND: Final = 1000
"""Changes of one kind that are looked at."""

BAD: Final = ("FAIL", "ABORT")

ChangeKind = Literal["edge", "schema", "code", "run"]


class NodeChange(NamedTuple):
    """Something about a node upstream is not as it was. ``run`` is the one that did it, or the job's newest."""

    at: int
    kind: ChangeKind
    node: str
    what: str
    run: RunRow | None


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of changes, the newest first. ``truncated``: not all of the graph, or of the changes, was looked at."""

    node: str
    changes: list[NodeChange]
    truncated: bool
    next: tuple[int, str, str] | None


def changes(
    scope: Scope, node: str, since: int, *, depth: int, after: tuple[int, str, str] | None, limit: int
) -> Changes:
    """Give what has changed since ``since`` (µs UTC) at most ``depth`` edges upstream of a node, or with it."""
    start = scope.find(node)
    nodes: dict[str, Any] = {}
    truncated = False
    for moment in (Moment(since), NOW):
        part = scope.walk(start, Way.UPSTREAM, depth, moment=moment)
        nodes |= {each.id: each for each in part.nodes}
        truncated = truncated or part.truncated
    keys = scope.keys(list(nodes.values()))
    jobs = {id_: each for each, (kind, id_) in keys.items() if kind == "job"}
    datasets = {id_: each for each, (kind, id_) in keys.items() if kind == "dataset"}
    names = {
        name_id: datasets[id_] for id_, ids in all_names(scope.conn, datasets).items() for name_id in ids
    }

    around = Around(start, Way.UPSTREAM, depth)
    edges = difference(scope, since, scope.now, around=around, limit=MOST_OF_A_KIND)
    schemas, more_schemas = facet_changes(scope.conn, names, (SCHEMA,), since, MOST_OF_A_KIND)
    codes, more_codes = facet_changes(scope.conn, jobs, CODE, since, MOST_OF_A_KIND)
    found = [
        *(NodeChange(edge.at, "edge", *_edge(edge), edge.run) for edge in edges.edges),
        *(NodeChange(each.at, "schema", names[each.owner_id], _schema(each), None) for each in schemas),
        *(NodeChange(each.at, "code", jobs[each.owner_id], _code(each), None) for each in codes),
        *_runs(scope, jobs, since),
    ]
    ordered = sorted(found, key=_place)
    rest = [each for each in ordered if after is None or _place(each) > _place_of(after)]
    page = rest[:limit]
    return Changes(
        scope.shown(start),
        page,
        truncated or edges.truncated or edges.next is not None or more_schemas or more_codes,
        _key(page[-1]) if len(rest) > limit else None,
    )


def _runs(scope: Scope, jobs: dict[int, str], since: int) -> Iterator[NodeChange]:
    """Give the jobs of which runs failed since, or whose newest run is in another state than the one before."""
    tallies = run_tallies(scope.conn, jobs, since)
    newest = newest_runs(scope.conn, list(tallies), scope.visible)
    for id_, tally in tallies.items():
        run = newest.get(id_)
        failed = sum(tally.states.get(state, 0) for state in BAD)
        turned = tally.before is not None and run is not None and run.state != tally.before
        if run is None or run.first_event_at is None or not (failed or turned):
            continue
        number = sum(tally.states.values())
        parts = [f"{failed} of {number} runs failed"] if failed else []
        parts.append(
            f"the newest is {run.state}" + (f", the last one before was {tally.before}" if turned else "")
        )
        yield NodeChange(run.last_event_at or run.first_event_at, "run", jobs[id_], "; ".join(parts), run)


def _edge(edge: EdgeDifference) -> tuple[str, str]:
    """Tell an edge as something about the job, or else about the dataset that is made."""
    now = "now" if edge.change == "came" else "no longer"
    if edge.kind == "control":
        return edge.target, f"{now} runs after {edge.source}"
    if edge.target.startswith("job:"):
        return edge.target, f"{now} reads {edge.source}"
    if edge.source.startswith("job:"):
        return edge.source, f"{now} writes {edge.target}"
    return edge.target, f"{now} is made from {edge.source}"


def _schema(change: FacetChange) -> str:
    if change.after is None:
        return "no schema any more"
    if change.before is None:
        return "a schema is known now"
    before, after = (msgspec.json.decode(body) for body in (change.before, change.after))
    return schema_words(schema_change(before, after))


def _code(change: FacetChange) -> str:
    word = "came" if change.before is None else "went" if change.after is None else "changed"
    return f"{change.name} {word}" + (f", {change.times} times" if change.times > 1 else "")


def _key(change: NodeChange) -> tuple[int, str, str]:
    return change.at, change.node, f"{change.kind} {change.what}"


def _place(change: NodeChange) -> tuple[int, str, str]:
    return _place_of(_key(change))


def _place_of(key: tuple[int, str, str]) -> tuple[int, str, str]:
    return -key[0], key[1], key[2]
