"""What the lineage page asks the API for: the graph, what else has to be drawn into it, and the panel beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from collector.api import alerts, datasets, freshness, graph, jobs, questions, runs
from collector.errors import NotFound
from collector.web import entities
from collector.web.asking import ask
from collector.web.lineage import columns as column_reading
from collector.web.lineage.asked import Asked
from collector.web.lineage.columns import Columns
from collector.web.lineage.difference import mark_changed, union
from collector.web.lineage.folding import PAGE
from collector.web.lineage.graph import DOWNSTREAM, UPSTREAM, Graph, judged_by_runs

Document = Mapping[str, Any]

MOST_MOMENTS: Final = 200
MOST_CHANGES: Final = 100
LAST_RUNS: Final = 5

MOST_WATCHED: Final = 100
MOST_BESIDE: Final = 500
"""Nodes, and neighbours of all of them, up to which it is looked up unasked when the graph changed: with more, that
takes longer to find than all else.
"""

OF_NOW: Final = (
    "state",
    "since",
    "deadline",
    "late_by",
    "last_update",
    "alert",
    "affected",
    "cause",
    "run_id",
)
"""What is known of a node as it is now, and says nothing of the past."""


@dataclass
class Answers:
    """All that the page draws. ``cause`` are nodes from the cause to the focus; ``way`` those on the asked way."""

    graph: Graph
    truncated: bool = False
    cause: tuple[str, ...] = ()
    way: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    """Nodes that are drawn whatever is folded, for somebody has opened them or their neighbours."""
    columns: Columns | None = None
    extent: Document | None = None
    moments: Document | None = None
    difference: Document | None = None
    changed: Mapping[str, list[str]] = field(default_factory=dict)


def gather(asked: Asked) -> Answers:
    """Ask for the graph; raises what the API raises."""
    if asked.level == "column":
        return _of_columns(asked)
    found = _walked(asked)
    if not asked.coarse:
        return found
    walk = asked.walk
    shared: dict[str, str] = {name: walk[name] for name in ("node", "fold", "control") if name in walk}
    timed: dict[str, str] = {name: walk[name] for name in ("as_of", "window", "level") if name in walk}
    found.extent = known_extent(asked, found) or ask(graph.get_extent, shared | timed)
    _open(asked, found)
    if "as_of" not in walk:
        _add_cause(asked, found)
    if "columns" in asked.given:
        _add_columns(asked, found)
    near: dict[str, str] = {name: walk[name] for name in ("direction", "depth") if name in walk}
    near |= shared
    timed_at_all = asked.given.keys() & {"as_of", "vs", "times"}
    if timed_at_all or _is_quick_to_watch(found.graph):
        found.moments = ask(graph.list_moments, near | {"limit": str(MOST_MOMENTS)})
    if "vs" in asked.given:
        _compare(asked, found, near)
    if asked.choice("colour") == "run":
        judged_by_runs(found.graph)
    if path := asked.given.get("path"):
        found.way = found.graph.between(found.graph.focus, path)
    if asked.choice("only") == "path" and (shown := found.way or set(found.cause)):
        found.graph = found.graph.without(
            found.graph.nodes.keys() - shown - found.opened - {found.graph.focus}
        )
    return found


def _is_quick_to_watch(graph: Graph) -> bool:
    beside = sum(
        (node.facts.get("upstream") or 0) + (node.facts.get("downstream") or 0)
        for node in graph.nodes.values()
    )
    return len(graph.nodes) <= MOST_WATCHED and beside <= MOST_BESIDE


def _walked(asked: Asked) -> Answers:
    document = _lineage(asked, {})
    start = next((node["id"] for node in document["nodes"] if node["depth"] == 0), None)
    if start is None:
        raise NotFound(f"There is no {asked.node!r} that you may see.")
    found = Graph(start)
    found.add(document)
    return Answers(found, document["truncated"])


def known_extent(asked: Asked, found: Answers) -> Document | None:
    """Count both sides in what has been answered, if that is all there is."""
    depths = [node.facts["depth"] for node in found.graph.nodes.values()]
    bounded = found.truncated or max(depths) >= int(asked.walk["depth"])
    if bounded or asked.walk.get("direction", "both") != "both":
        return None
    sides = {}
    for name, side in (("upstream", UPSTREAM), ("downstream", DOWNSTREAM)):
        reached = found.graph.reach(found.graph.focus, side)
        types = [found.graph.nodes[id_].type for id_ in reached]
        types.remove(found.graph.nodes[found.graph.focus].type)
        sides[name] = {
            "direct": sum(hops == 1 for hops in reached.values()),
            "nodes": len(types),
            "jobs": types.count("job"),
            "datasets": types.count("dataset"),
            "depth": max(reached.values()),
            "truncated": False,
        }
    return sides


def _lineage(asked: Asked, changes: Mapping[str, str]) -> Document:
    parameters = {**asked.walk, **changes, **({"state": "true"} if asked.coarse else {})}
    document: Document = ask(graph.get_lineage, parameters)
    if "as_of" in parameters:
        for node in document["nodes"]:
            for name in OF_NOW:
                node.pop(name, None)
    return document


def _open(asked: Asked, found: Answers) -> None:
    """Add the neighbours of nodes that were opened, the worst first."""
    for key, times in asked.opened.items():
        node = found.graph.keyed.get(key)
        if node is None:
            continue
        beside = _lineage(asked, {"node": node.id, "depth": "1", "direction": "both"})
        around = Graph(node.id)
        around.add(beside)
        new = [each for id_, each in around.nodes.items() if id_ not in found.graph.nodes]
        new.sort(key=lambda each: (-each.look.loudness, each.type, each.name))
        wanted = {each.id for each in new[: PAGE * times]}
        found.graph.add(beside, wanted)
        found.opened |= wanted | {node.id}


def _add_cause(asked: Asked, found: Answers) -> None:
    """Find the way from what explains that the focus is not as it should be, and add it."""
    focus = found.graph.nodes[found.graph.focus]
    if not focus.bad and focus.state != "affected" and focus.facts.get("alert") is None:
        return
    path: list[str] = []
    if focus.facts.get("alert") is not None:
        path = ask(alerts.get_alert, alert_id=focus.facts["alert"])["path"]
    if not path:
        causes = ask(questions.get_root_cause, {"node": focus.id, "limit": "1"})["causes"]
        path = causes[0]["path"] if causes else []
    if path and path[-1] == focus.id and len(path) > 1:
        if any(id_ not in found.graph.nodes for id_ in path):
            # An alert tells of the way that data took when it was raised; what is no longer there is not drawn.
            further = {"direction": "upstream", "depth": str(len(path)), "level": "job", "fold": "auto"}
            found.graph.add(_lineage(asked, further), set(path))
        if all(id_ in found.graph.nodes for id_ in path):
            found.cause = tuple(path)


def _add_columns(asked: Asked, found: Answers) -> None:
    """Open the columns of a dataset and of those next to it."""
    dataset = asked.given["columns"]
    walk = asked.walk | {"node": dataset, "level": "column", "depth": "1"}
    walk.pop("control", None)
    found.columns = column_reading.read(ask(graph.get_lineage, walk), found.graph.nodes)
    node = found.graph.nodes.get(dataset)
    if node is not None and node.type == "dataset":
        detail = ask(datasets.get_dataset, {"namespace": node.namespace, "name": node.name})
        names_ = [
            str(each["name"]) for each in detail["fields"] or () if isinstance(each, dict) and "name" in each
        ]
        found.columns.add_schema(dataset, names_)


def _of_columns(asked: Asked) -> Answers:
    document = ask(graph.get_lineage, asked.walk)
    if not document["nodes"]:
        raise NotFound(f"Nothing is known of the columns of {asked.node!r}.")
    found = column_reading.read(document)
    return Answers(column_reading.graph_of(document, found), document["truncated"], columns=found)


def _compare(asked: Asked, found: Answers, near: Mapping[str, str]) -> None:
    """Draw in what is different from an earlier time."""
    then = Graph(found.graph.focus)
    then.add(_lineage(asked, {"as_of": asked.given["vs"]}))
    # What was opened or leads to a cause is there beyond the depth, and has not come because of that.
    beyond = found.opened | set(found.cause)
    found.graph = union(found.graph, then)
    for id_ in beyond - then.nodes.keys():
        found.graph.nodes[id_].change = None
    span = {"from": asked.given["vs"]} | ({"to": asked.given["as_of"]} if "as_of" in asked.given else {})
    found.difference = ask(questions.get_difference, {**near, **span, "limit": str(MOST_CHANGES)})
    if "as_of" not in asked.given:
        since = {"node": asked.node, "since": asked.given["vs"], "limit": str(MOST_CHANGES)}
        found.changed = mark_changed(found.graph, ask(questions.list_changes, since))


def panel(node: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for all that the panel shows of a node."""
    named = {"namespace": node["namespace"], "name": node["name"]}
    if node["type"] == "dataset":
        detail = ask(datasets.get_dataset, named)
        standings = ask(freshness.list_freshness, {**named, "limit": "5"})["items"]
        return {"detail": detail, "standings": standings, **_read(detail["facets"])}
    detail = ask(jobs.get_job, named)
    last = {"job_namespace": named["namespace"], "job_name": named["name"], "limit": str(LAST_RUNS)}
    return {"detail": detail, "runs": ask(runs.list_runs, last)["items"], **_read(detail["facets"])}


def _read(facets: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    """Read those facets that the panel shows in words; what is not as it should be is left to the JSON below."""
    found: dict[str, Any] = {"facets": entities.folded(facets)}
    for name, key in (("sql", "query"), ("documentation", "description")):
        body = msgspec.json.decode(facets[name]) if name in facets else None
        value = body.get(key) if isinstance(body, dict) else None
        found[name] = value if isinstance(value, str) else None
    return found


def another(asked: Asked) -> str | None:
    """Give the node that is meant where the level is one that the node itself has not; None: all is well.

    The run of a job is its newest, that of a dataset the one that wrote it last; a run is of a job, a column of a
    dataset. Raises ``NotFound`` where there is no run.
    """
    kind, level = asked.node.partition(":")[0], asked.given.get("level")
    if level is None or level == kind or (kind in ("job", "dataset") and level != "run"):
        return None
    if kind in ("run", "column"):
        (node,) = ask(graph.get_lineage, {"node": asked.node, "depth": "0"})["nodes"][:1]
        return f"{'job' if kind == 'run' else 'dataset'}:{node['namespace']}:{node['name']}"
    (node,) = ask(graph.get_lineage, {"node": asked.node, "depth": "0"})["nodes"][:1]
    named = {"namespace": node["namespace"], "name": node["name"]}
    if kind == "job":
        run = ask(jobs.get_job, named)["last_run"]
    else:
        updates = ask(datasets.list_updates, {**named, "limit": "1"})["items"]
        run = updates[0]["run"] if updates else None
    if run is None:
        raise NotFound(f"No run of {asked.node!r} is known.")
    return f"run:{run['run_id']}:job:{run['job']['namespace']}:{run['job']['name']}"
