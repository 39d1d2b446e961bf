"""``/lineage``: the jobs connected with one, and the datasets between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from collector.api.access import principal
from collector.api.marquez.graph_nodes import DatasetNodes, JobNodes
from collector.api.marquez.node_ids import FIELD, RUN, dataset_id, job_id, read
from collector.api.marquez.nodes import find_node
from collector.api.marquez.parameters import required, whole
from collector.api.marquez.refusals import NoSuchPath
from collector.api.marquez.routing import Routes
from collector.api.services import reading
from collector.errors import NotFound
from collector.storage.graph import SqlGraph
from collector.storage.marquez.hiding import hidden_ids
from lineage.component import Component, component, jobs_of
from lineage.fold import Fold, LinkKind, without
from lineage.traverse import Key, Named, NodeType

routes = Routes()

DEFAULT_DEPTH = 20

Json = dict[str, Any]


@routes.get("/lineage")
def get_lineage() -> object:
    """Give the graph around a job or dataset; each step of ``depth`` goes on to the jobs that share a dataset."""
    asked, depth = required("nodeId"), whole("depth", DEFAULT_DEPTH, least=None)
    written = read(asked)
    if written is None:
        raise NoSuchPath
    if written.type in (RUN, FIELD):
        raise NotFound(f"Node '{asked}' must be of type dataset or job!")
    with reading() as conn:
        _, ref = find_node(conn, written)
        hidden = hidden_ids(conn)
        graph = SqlGraph(conn, fold=Fold.NONE, sees=principal().sees)
        kind, start = graph.start(ref)
        jobs = {start} if kind == "job" else jobs_of(graph, [start])
        found = component(graph, jobs, max(depth, 0), lambda id_: id_ not in hidden)
        if kind == "dataset":
            found.datasets.add(start)
        return {"graph": nodes(conn, graph, found)}


def nodes(conn: Connection, graph: SqlGraph, found: Component) -> list[Json]:
    """Give the nodes of a component, each with its edges, in the order of their ids."""
    known: dict[NodeType, Mapping[int, Named]] = {
        "job": graph.jobs(found.jobs),
        "dataset": graph.datasets(found.datasets),
    }
    jobs, datasets = (_shown(names) for names in known.values())
    job_nodes, dataset_nodes = JobNodes(conn, jobs), DatasetNodes(conn, datasets)
    ids: dict[Key, str] = {
        ("job", id_): job_id(named.namespace, job_nodes.name(id_)) for id_, named in jobs.items()
    }
    ids |= {("dataset", id_): dataset_id(each.namespace, each.name) for id_, each in datasets.items()}
    pairs = {id_: {"namespace": each.namespace, "name": each.name} for id_, each in datasets.items()}
    into: dict[Key, list[tuple[str, Key]]] = defaultdict(list)
    out_of: dict[Key, list[tuple[str, Key]]] = defaultdict(list)
    for source, target in _links(found, known):
        if source in ids and target in ids:
            out_of[source].append((ids[target], target))
            into[target].append((ids[source], source))
    answer = []
    for key, text in sorted(ids.items(), key=lambda item: item[1]):
        sources, targets = sorted(into.get(key, ())), sorted(out_of.get(key, ()))
        if key[0] == "job":
            inputs, outputs = (
                [pairs[id_] for _, (kind, id_) in ends if kind == "dataset"] for ends in (sources, targets)
            )
            data = job_nodes.data(key[1], inputs, outputs)
        else:
            data = dataset_nodes.data(key[1])
        answer.append(
            {
                "id": text,
                "type": "JOB" if key[0] == "job" else "DATASET",
                "data": data,
                "inEdges": [{"origin": source, "destination": text} for source, _ in sources],
                "outEdges": [{"origin": text, "destination": target} for target, _ in targets],
            }
        )
    return answer


def _shown(names: Mapping[int, Named]) -> dict[int, Named]:
    return {id_: named for id_, named in names.items() if not named.hidden}


def _links(found: Component, known: Mapping[NodeType, Mapping[int, Named]]) -> Iterable[tuple[Key, Key]]:
    """Give the edges in the direction of data, joined where they lead through what is neither job nor dataset."""
    links: list[tuple[Key, Key]] = []
    for job, datasets in found.reads.items():
        links += ((("dataset", dataset), ("job", job)) for dataset in datasets)
    for job, datasets in found.writes.items():
        links += ((("job", job), ("dataset", dataset)) for dataset in datasets)
    hidden: list[Key] = [
        (kind, id_) for kind, names in known.items() for id_, named in names.items() if named.hidden
    ]
    if not hidden:
        return links
    # Who joins them does not matter here.
    data: dict[tuple[Key, Key, LinkKind], set[int]] = {(*link, "data"): set() for link in links}
    return dict.fromkeys((source, target) for source, target, _ in without(data, hidden))
