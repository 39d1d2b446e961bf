"""``/lineage``: the jobs connected with one, and the datasets between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter, itemgetter
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from collector.api.access import principal
from collector.api.marquez.graph_nodes import DETAILED, Dataset, DatasetNodes, Job, JobNodes, Name
from collector.api.marquez.node_ids import FIELD, RUN, dataset_id, job_id, read
from collector.api.marquez.nodes import find_node
from collector.api.marquez.parameters import required, whole
from collector.api.marquez.refusals import NoSuchPath
from collector.api.marquez.routing import Routes
from collector.api.services import reading
from collector.errors import NotFound
from collector.storage.marquez.bulk import DatasetRow, JobRow, OpenEdges, dataset_rows, job_rows
from collector.storage.marquez.hiding import hidden_ids
from collector.storage.tables import dataset
from lineage import component
from lineage.component import Component
from lineage.fold import LinkKind, without
from lineage.model import Direction, JobRef
from lineage.traverse import Key

routes = Routes()

DEFAULT_DEPTH = 20


class Edge(msgspec.Struct, frozen=True, gc=False):
    """An edge, by the ids of its ends."""

    origin: str
    destination: str


class Node(msgspec.Struct, frozen=True, gc=False):
    """A job or dataset with its edges."""

    id: str
    type: Literal["JOB", "DATASET"]
    data: Job | Dataset
    inEdges: list[Edge]
    outEdges: list[Edge]


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
        hidden, edges = hidden_ids(conn), OpenEdges(conn)
        start: set[int] = set()
        if isinstance(ref, JobRef):
            jobs = {ref.id}
        else:
            start = set(conn.execute(select(dataset.c.canonical_id).where(dataset.c.id == ref.id)).scalars())
            jobs = edges.at_datasets(start)
        found = component.component(edges, jobs, max(depth, 0), hidden)
        # A dataset that no job has to do with stands alone.
        found.datasets.update(start)
        return {"graph": nodes(conn, found)}


def nodes(conn: Connection, found: Component) -> list[msgspec.Raw]:
    """Give the nodes of a component that the caller may see, each with its edges, in the order of their ids.

    Each is written as soon as it is put together: a large graph would be ten times as much in objects as in text.
    """
    sees = principal().sees
    every = Rows(job_rows(conn, found.jobs, sees), dataset_rows(conn, found.datasets, sees))
    shown = every.shown()
    detailed = len(shown.jobs) + len(shown.datasets) <= DETAILED
    job_nodes = JobNodes(conn, shown.jobs, detailed=detailed)
    dataset_nodes = DatasetNodes(conn, shown.datasets, detailed=detailed)
    jobs = {id_: job_id(row.namespace, job_nodes.name(id_)) for id_, row in shown.jobs.items()}
    datasets = {id_: dataset_id(row.namespace, row.name) for id_, row in shown.datasets.items()}
    names = {datasets[id_]: Name(row.namespace, row.name) for id_, row in shown.datasets.items()}
    into: dict[str, list[Edge]] = {text: [] for some in (jobs, datasets) for text in some.values()}
    out_of: dict[str, list[Edge]] = {text: [] for text in into}
    for source, target in _links(found.edges, every, jobs, datasets):
        edge = Edge(source, target)
        out_of[source].append(edge)
        into[target].append(edge)
    for ends, key in ((into, attrgetter("origin")), (out_of, attrgetter("destination"))):
        for edges in ends.values():
            if len(edges) > 1:
                edges.sort(key=key)
    written: list[tuple[str, bytes]] = []
    encode = msgspec.json.Encoder().encode
    for id_, text in jobs.items():
        inputs = [names[edge.origin] for edge in into[text] if edge.origin in names]
        outputs = [names[edge.destination] for edge in out_of[text] if edge.destination in names]
        data = job_nodes.data(id_, inputs, outputs)
        written.append((text, encode(Node(text, "JOB", data, into[text], out_of[text]))))
    for id_, text in datasets.items():
        node = Node(text, "DATASET", dataset_nodes.data(id_), into[text], out_of[text])
        written.append((text, encode(node)))
    return [msgspec.Raw(node) for _, node in sorted(written, key=itemgetter(0))]


class Rows(NamedTuple):
    """The rows of jobs and datasets, by id."""

    jobs: Mapping[int, JobRow]
    datasets: Mapping[int, DatasetRow]

    def hidden(self) -> list[Key]:
        """Give what is neither a job nor a dataset of anybody's."""
        jobs: list[Key] = [("job", id_) for id_, row in self.jobs.items() if row.hidden]
        return jobs + [("dataset", id_) for id_, row in self.datasets.items() if row.hidden]

    def shown(self) -> Rows:
        """Give the others."""
        return Rows(
            {id_: row for id_, row in self.jobs.items() if not row.hidden},
            {id_: row for id_, row in self.datasets.items() if not row.hidden},
        )


def _links(
    edges: Iterable[component.Edge], rows: Rows, jobs: Mapping[int, str], datasets: Mapping[int, str]
) -> Iterator[tuple[str, str]]:
    """Give the edges in the direction of data, joined where they lead through what is not shown."""
    hidden = rows.hidden()
    if not hidden:
        for job, dataset_, direction in edges:
            if job in jobs and dataset_ in datasets:
                ends = datasets[dataset_], jobs[job]
                yield ends if direction == Direction.INPUT else ends[::-1]
        return
    # Who joins them does not matter here.
    links: dict[tuple[Key, Key, LinkKind], set[int]] = {}
    for job, dataset_, direction in edges:
        pair: tuple[Key, Key] = (("dataset", dataset_), ("job", job))
        links[(*(pair if direction == Direction.INPUT else pair[::-1]), "data")] = set()
    texts: dict[Key, str] = {("job", id_): text for id_, text in jobs.items()}
    texts |= {("dataset", id_): text for id_, text in datasets.items()}
    for source, target, _ in without(links, hidden):
        if source in texts and target in texts:
            yield texts[source], texts[target]
