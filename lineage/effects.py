"""What follows from a run: of all jobs that worked under it, those from which the others follow by the data."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import networkx as nx


class Worked(NamedTuple):
    """A job, and the datasets that its run read and wrote; ids as the store gives them."""

    job_id: int
    reads: Collection[int]
    writes: Collection[int]


def entries(worked: Iterable[Worked]) -> list[int]:
    """Give the jobs that read nothing that another of them writes, in the order given.

    Whoever walks downstream from these comes to all others. Of jobs that feed each other, and are fed by no other, it
    is the first. A job that neither reads nor writes is left out.
    """
    known = [each for each in worked if each.reads or each.writes]
    written = {dataset_id for each in known for dataset_id in each.writes}
    graph: nx.DiGraph[tuple[str, int]] = nx.DiGraph()
    for each in known:
        job = "job", each.job_id
        graph.add_node(job)
        graph.add_edges_from((("dataset", id_), job) for id_ in written.intersection(each.reads))
        graph.add_edges_from((job, ("dataset", id_)) for id_ in each.writes)
    order = {job_id: place for place, job_id in enumerate(dict.fromkeys(each.job_id for each in known))}
    groups = nx.condensation(graph)
    found = [
        min((id_ for type_, id_ in groups.nodes[group]["members"] if type_ == "job"), key=order.__getitem__)
        for group, into in groups.in_degree
        if not into
    ]
    return sorted(found, key=order.__getitem__)
