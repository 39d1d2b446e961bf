"""Which datasets selectors mean, at the present moment. Datasets are canonical ids; all of their names count."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from collector.storage import labels
from collector.storage.catalog import readings
from collector.storage.folding import stand
from collector.storage.graph import SqlGraph
from collector.storage.marquez.hiding import is_shown
from collector.storage.node_facts import canonical
from collector.storage.tables import dataset, dataset_alias, job, namespace
from collector.storage.upsert import among
from lineage.fold import Fold
from lineage.model import DatasetRef, Direction
from triggers.model import Selector

T = TypeVar("T")

MOST_REACHED: Final = 100_000
"""Datasets that are taken for being downstream of a node, or needed by it; the nearest, if there are more."""


def members(conn: Connection, selectors: Mapping[str, Selector]) -> dict[str, set[int]]:
    """Give the datasets that each of the selectors means; see ``Selection``."""
    return Selection(selectors).members(conn)


def among_these(
    conn: Connection, selectors: Mapping[str, Selector], dataset_ids: Collection[int]
) -> dict[int, set[str]]:
    """Give the selectors, but for those that ask the graph, that mean any of these datasets (ids of any names)."""
    return Selection(selectors).among_these(conn, dataset_ids)


class Selection:
    """Selectors by name, made ready to be asked again and again.

    One that has a whole namespace and name, and nothing else, means the dataset of that name even if nobody has named
    it yet. Others mean datasets that are known. What is hidden, artificial or a point between jobs is never meant.
    """

    def __init__(self, selectors: Mapping[str, Selector]) -> None:
        self._exact: defaultdict[int, set[str]] = defaultdict(set)
        others: dict[str, Selector] = {}
        for name, selector in selectors.items():
            ref = _exactly(selector)
            if ref is None:
                others[name] = selector
            else:
                self._exact[ref.id].add(name)
        graph = {name for name, each in others.items() if each.downstream_of or each.needed_by}
        self.in_graph: Collection[str] = graph
        """Those that ask the graph."""
        self._graph = _Index({name: others[name] for name in graph})
        self._simple = _Index({name: each for name, each in others.items() if name not in graph})

    def members(self, conn: Connection) -> dict[str, set[int]]:
        """Give the datasets that each of them means."""
        found = self.members_in_graph(conn)
        found |= {name: set() for names in self._exact.values() for name in names}
        for dataset_id, names in self._bound(conn).items():
            for name in names:
                found[name].add(dataset_id)
        return found | self._simple.members(conn)

    def members_in_graph(self, conn: Connection) -> dict[str, set[int]]:
        """Give the datasets that those mean which ask the graph."""
        reach = _Reach(conn)
        reached = {id_ for node, way in self._graph.nodes for id_ in reach.of(node, way)}
        return self._graph.members(conn, reached, reach)

    def among_these(self, conn: Connection, dataset_ids: Collection[int]) -> dict[int, set[str]]:
        """Give those, but for the ones that ask the graph, that mean any of these datasets (ids of any names)."""
        known = canonical(conn, dataset_ids)
        only = set(known.values())
        found: dict[int, set[str]] = defaultdict(set)
        for name, ids in self._simple.members(conn, only).items():
            for id_ in ids:
                found[id_].add(name)
        if self._exact:
            names = set(_ids_of_names(conn, only)) | (set(dataset_ids) - known.keys())
            for id_, bound in self._bound(conn, names & self._exact.keys()).items():
                found[id_] |= bound
        return dict(found)

    def _bound(self, conn: Connection, ids: Collection[int] | None = None) -> dict[int, set[str]]:
        """Give what the exact ones, or those of some names, mean."""
        wanted = self._exact.keys() if ids is None else ids
        found: dict[int, set[str]] = defaultdict(set)
        if not wanted:
            return found
        stored = select(dataset.c.id, dataset.c.canonical_id, _SHOWN.label("shown")).where(
            among(conn, dataset.c.id, wanted)
        )
        rows = conn.execute(stored).all()
        for id_, canonical_id, shown in rows:
            if shown:
                found[canonical_id] |= self._exact[id_]
        unknown = set(wanted) - {row.id for row in rows}
        aliases: dict[int, int] = {}
        if unknown:
            aliases = {row.id: row.canonical_id for row in conn.execute(_aliases(conn, unknown))}
        for id_ in unknown:
            found[aliases.get(id_, id_)] |= self._exact[id_]
        return found


class _Index:
    """Selectors by what is looked at first: names, else tags, else owners, else the graph."""

    def __init__(self, selectors: Mapping[str, Selector]) -> None:
        self._selectors = selectors
        self._by_names: defaultdict[_Key, list[str]] = defaultdict(list)
        self._by_tag: defaultdict[str, list[str]] = defaultdict(list)
        self._by_owner: defaultdict[str, list[str]] = defaultdict(list)
        self._rest: list[str] = []
        for name, each in selectors.items():
            key = _Key(each.namespace, each.name, each.pattern)
            if any(key):
                self._by_names[key].append(name)
            elif each.tag is not None:
                self._by_tag[each.tag].append(name)
            elif each.owner is not None:
                self._by_owner[each.owner].append(name)
            else:
                self._rest.append(name)
        self._names = _Names(self._by_names)
        self.nodes = {
            (node, way)
            for each in selectors.values()
            for node, way in ((each.downstream_of, Direction.OUTPUT), (each.needed_by, Direction.INPUT))
            if node is not None
        }
        self._tags = any(each.tag for each in selectors.values())
        self._owners = any(each.owner for each in selectors.values())

    def members(
        self, conn: Connection, only: Collection[int] | None = None, reach: _Reach | None = None
    ) -> dict[str, set[int]]:
        """Give what each of the selectors means, of all datasets or of ``only`` some."""
        found: dict[str, set[int]] = {name: set() for name in self._selectors}
        if not self._selectors or (only is not None and not only):
            return found
        reach = reach or _Reach(conn)
        rows = [_SHOWN] if only is None else [_SHOWN, among(conn, dataset.c.canonical_id, only)]
        named = (
            select(dataset.c.canonical_id, namespace.c.name.label("namespace"), dataset.c.name)
            .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
            .where(*rows)
        )
        shown: set[int] = set()
        by_names: defaultdict[_Key, set[int]] = defaultdict(set)
        for id_, place, name in conn.execute(named):
            shown.add(id_)
            for key in self._names.matching(place, name):
                by_names[key].add(id_)
        tagged = _turned(labels.tags(conn, only)) if self._tags else {}
        owned = _turned(labels.owners(conn, only)) if self._owners else {}
        meant = {
            **_meant(by_names, self._by_names, shown),
            **_meant(tagged, self._by_tag, shown),
            **_meant(owned, self._by_owner, shown),
            **{name: shown.copy() for name in self._rest},
        }
        for name, ids in meant.items():
            selector = self._selectors[name]
            if selector.tag is not None:
                ids &= tagged.get(selector.tag, set())
            if selector.owner is not None:
                ids &= owned.get(selector.owner, set())
            if selector.downstream_of is not None and ids:
                ids &= reach.of(selector.downstream_of, Direction.OUTPUT)
            if selector.needed_by is not None and ids:
                ids &= reach.of(selector.needed_by, Direction.INPUT)
        return found | meant


class _Key(NamedTuple):
    """What selectors say about names."""

    namespace: str | None
    name: str | None
    pattern: str | None


class _Names:
    """Finds what holds for a name, without asking every selector."""

    def __init__(self, keys: Iterable[_Key]) -> None:
        self._of_namespace: defaultdict[str, list[_Key]] = defaultdict(list)
        self._of_several: list[tuple[re.Pattern[str], _Key]] = []
        for key in keys:
            if key.namespace is None or is_pattern(key.namespace):
                self._of_several.append((pattern(key.namespace or "*"), key))
            else:
                self._of_namespace[key.namespace].append(key)
        self._known: dict[str, _Bucket] = {}

    def matching(self, place: str, name: str) -> list[_Key]:
        bucket = self._known.get(place)
        if bucket is None:
            several = (key for among_, key in self._of_several if among_.fullmatch(place))
            bucket = self._known[place] = _Bucket([*self._of_namespace.get(place, ()), *several])
        return bucket.matching(name)


class _Bucket:
    """What selectors say about the names of one namespace."""

    def __init__(self, keys: Sequence[_Key]) -> None:
        self._all: list[_Key] = []
        self._names: defaultdict[str, list[_Key]] = defaultdict(list)
        self._patterns: list[tuple[re.Pattern[str], _Key]] = []
        for key in keys:
            if key.name is not None:
                self._names[key.name].append(key)
            elif key.pattern is not None:
                self._patterns.append((pattern(key.pattern), key))
            else:
                self._all.append(key)

    def matching(self, name: str) -> list[_Key]:
        found = [key for each, key in self._patterns if each.fullmatch(name)]
        return [*self._all, *self._names.get(name, ()), *found]


class _Reach:
    """What lies upstream or downstream of nodes, each asked once."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._graph = SqlGraph(conn)
        self._known: dict[tuple[str, Direction], set[int]] = {}

    def of(self, node: str, direction: Direction) -> set[int]:
        key = node, direction
        if key not in self._known:
            self._known[key] = self._walk(node, direction)
        return self._known[key]

    def _walk(self, node: str, direction: Direction) -> set[int]:
        kind, _, rest = node.partition(":")
        if kind == "dataset":
            start = set(canonical(self._conn, readings("dataset", rest)).values())
            seen, level = set(start), start
        else:
            jobs = select(stand(Fold.AUTO)).where(among(self._conn, job.c.id, readings("job", rest)))
            start = set(self._conn.execute(jobs).scalars())
            seen = level = {step.far for step in self._graph.from_jobs(start, direction)}
            start = set()
        while level and len(seen) < MOST_REACHED:
            level = {step.far for step in self._graph.between_datasets(level, direction)} - seen
            seen |= level
        return seen - start


def is_pattern(text: str) -> bool:
    """Tell whether a text of a selector stands for several."""
    return "*" in text or "?" in text


def pattern(text: str) -> re.Pattern[str]:
    """Read a pattern with ``*`` and ``?``; all else, brackets too, stands for itself."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(part) or re.escape(part) for part in text), re.DOTALL)


def _exactly(selector: Selector) -> DatasetRef | None:
    """Give the dataset that a selector names; None if it says anything else."""
    space, name = selector.namespace, selector.name
    if space is None or name is None or is_pattern(space) or selector != Selector(space, name):
        return None
    return DatasetRef(space, name)


def _meant(sets: Mapping[T, set[int]], index: Mapping[T, list[str]], shown: set[int]) -> dict[str, set[int]]:
    """Give what selectors mean by what they are looked at first for."""
    return {name: sets[value] & shown for value in sets.keys() & index.keys() for name in index[value]}


def _turned(values: Mapping[int, Iterable[str]]) -> dict[str, set[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for id_, texts in values.items():
        for text in texts:
            found[text].add(id_)
    return found


def _ids_of_names(conn: Connection, only: Collection[int]) -> Iterable[int]:
    """Give the ids of all names of datasets, also of those that nobody has named."""
    mine = among(conn, dataset.c.canonical_id, only)
    others = select(dataset_alias.c.other_id).join_from(
        dataset, dataset_alias, dataset_alias.c.dataset_id == dataset.c.id
    )
    return conn.execute(select(dataset.c.id).where(mine).union(others.where(mine))).scalars()


def _aliases(conn: Connection, ids: Collection[int]) -> Select[int, int]:
    """Select (id, canonical id) of those names that nobody has named, but that are other names of datasets."""
    return (
        select(dataset_alias.c.other_id.label("id"), func.min(dataset.c.canonical_id).label("canonical_id"))
        .join_from(dataset_alias, dataset, dataset.c.id == dataset_alias.c.dataset_id)
        .where(among(conn, dataset_alias.c.other_id, ids))
        .group_by(dataset_alias.c.other_id)
    )


_SHOWN: Final[ColumnElement[bool]] = and_(is_shown(dataset), dataset.c.artificial.is_(False))
