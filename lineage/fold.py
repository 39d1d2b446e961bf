"""Coarser views of a graph: steps folded into the job they belong to, and what is no dataset taken out.

Tools differ in how finely they report: Spark sends a job for each action, dbt one for each SQL statement, Airflow one
for each task. ``Fold`` says which jobs stand for others; the store then answers in terms of those. What stands between
two jobs without being a dataset (a ``JobPoint``, the hidden job of a declared dataset, an artificial dataset) is walked
through like any node and taken out of the answer by ``without``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Set
from enum import StrEnum
from typing import Literal, TypeVar

K = TypeVar("K")

LinkKind = Literal["data", "control"]
"""``control``: one job runs after another, without data that pass between them."""

Links = Mapping[tuple[K, K, LinkKind], Set[int]]
"""(from, to, kind) -> ids of the jobs that the edge stands for."""


class Fold(StrEnum):
    """Which job stands for a job."""

    NONE = "none"
    AUTO = "auto"
    """The parent, for the steps of a tool that reports every step; else the job itself."""
    PARENT = "parent"
    ROOT = "root"


def without(links: Links[K], hidden: Collection[K]) -> Links[K]:
    """Take nodes out, joining what leads in with what leads out.

    A link through several of them is ``control`` if any part is, else ``data``. What leads only in or only out goes.
    """
    if not hidden:
        return links
    result = {link: set(jobs) for link, jobs in links.items()}
    into: dict[K, set[tuple[K, K, LinkKind]]] = defaultdict(set)
    out_of: dict[K, set[tuple[K, K, LinkKind]]] = defaultdict(set)
    for link in result:
        out_of[link[0]].add(link)
        into[link[1]].add(link)
    for node in hidden:
        before, after = into.pop(node, set()), out_of.pop(node, set())
        for source, _, kind in before:
            for _, target, other in after:
                if node not in (source, target):
                    both: LinkKind = "control" if "control" in (kind, other) else "data"
                    joined = (source, target, both)
                    jobs = result[source, node, kind] | result[node, target, other]
                    result.setdefault(joined, set()).update(jobs)
                    out_of[source].add(joined)
                    into[target].add(joined)
        for link in before | after:
            result.pop(link, None)
            out_of[link[0]].discard(link)
            into[link[1]].discard(link)
    return result
