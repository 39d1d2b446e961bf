"""Datasets with one side only."""

from __future__ import annotations

from dataclasses import dataclass

from collector.questions.scope import Scope
from collector.storage.orphans import Lack, list_orphans
from collector.storage.pages import Key as PageKey
from lineage.traverse import Node, text


@dataclass(frozen=True, slots=True)
class Orphans:
    """A page of datasets."""

    datasets: list[Node]
    next: PageKey | None


def orphans(scope: Scope, lack: Lack, namespace: str | None, *, after: PageKey | None, limit: int) -> Orphans:
    """List datasets that are read but never written, or written but never read, under any of their names."""
    page = list_orphans(
        scope.conn, lack, namespace_name=namespace, visible=scope.visible, after=after, limit=limit
    )
    names = scope.names(("dataset", item.id) for item in page.items)
    return Orphans(
        [
            Node(
                "dataset",
                item.namespace,
                item.name,
                0,
                tuple(text("dataset", other) for other in named.others),
            )
            for item in page.items
            if (named := names.get(("dataset", item.id)))
        ],
        page.next,
    )
