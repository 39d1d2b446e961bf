"""Who asks: what he may see, how much he gets, and when he asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from collector.storage.catalog import resolve_node
from collector.storage.graph import SqlGraph, everything
from collector.storage.node_facts import canonical
from collector.storage.visibility import Visible
from lineage.fold import Fold
from lineage.model import DatasetRef, JobRef
from lineage.timeline import NOW, Moment
from lineage.traverse import Key, Level, Named, Node, Subgraph, Way, names_of, text, traverse


@dataclass(frozen=True, slots=True)
class Scope:
    """The bounds of an answer. ``now`` is in µs UTC."""

    conn: Connection
    now: int
    max_nodes: int
    sees: Callable[[str], bool] = field(default=everything)
    visible: Visible = None
    fold: Fold = Fold.AUTO

    def find(self, node: str) -> JobRef | DatasetRef:
        """Find what ``dataset:NS:NAME`` or ``job:NS:NAME`` means; raises as ``resolve_node`` does."""
        return resolve_node(self.conn, node, self.visible).ref

    def graph(self, moment: Moment = NOW, *, control: bool = False) -> SqlGraph:
        """Give the graph at a moment."""
        return SqlGraph(self.conn, moment, self.fold, control=control, sees=self.sees)

    def walk(
        self,
        node: JobRef | DatasetRef,
        way: Way,
        depth: int,
        *,
        level: Level = Level.JOB,
        moment: Moment = NOW,
        control: bool = False,
    ) -> Subgraph:
        """Walk from a node as ``lineage.traverse`` does, to at most ``max_nodes``."""
        return traverse(self.graph(moment, control=control), node, way, depth, level, self.max_nodes)

    def shown(self, node: JobRef | DatasetRef) -> str:
        """Give the id of a node in answers: of the job that stands for it, of the first name of a dataset."""
        kind, id_ = key = self.graph().start(node)
        named = self.names([key]).get(key)
        return text(kind, named or node) if id_ else text(kind, node)

    def names(self, keys: Iterable[Key]) -> dict[Key, Named]:
        """Give the names of nodes; those that are hidden, or may not be seen, are left out."""
        found = names_of(self.graph(), set(keys))
        return {key: named for key, named in found.items() if not named.hidden}

    def keys(self, nodes: Sequence[Node]) -> dict[str, Key]:
        """Give what nodes of an answer are in the store, by their ids."""
        datasets = {
            node.id: DatasetRef(node.namespace, node.name).id for node in nodes if node.type == "dataset"
        }
        known = canonical(self.conn, datasets.values())
        found: dict[str, Key] = {
            node.id: ("job", JobRef(node.namespace, node.name).id) for node in nodes if node.type == "job"
        }
        found.update((node, ("dataset", known[id_])) for node, id_ in datasets.items() if id_ in known)
        return found
