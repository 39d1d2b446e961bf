"""Column lineage: of which columns a column is made, and which are made of it.

The walk goes level by level, one question a level, over what runs and declarations say of an output's sources. Where
they speak of a whole dataset so does the answer: the source or target is then a node without a field, which stands for
every column of the dataset, and from which the walk goes on along all of them. Artificial datasets, which only stand
for data passed between jobs, are walked through and left out. Dataset-level sources, which name a field on neither
side, tell nothing of columns and are no part of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol

from lineage.bounds import Met
from lineage.traverse import Named, Way, text

MOST_LINKS: Final = 50_000
"""Links of one answer: a filter is one to each column, and of both there may be thousands."""


class Transformation(NamedTuple):
    """What is done to a source (OpenLineage ``columnLineage``): DIRECT IDENTITY, INDIRECT FILTER and so on."""

    type: str | None
    subtype: str | None
    description: str | None
    masking: bool


class Column(NamedTuple):
    """A column of a dataset, by the dataset's canonical id; ``field`` None: all of its columns."""

    dataset_id: int
    field: str | None


class Derived(NamedTuple):
    """One source of an output, as some job says."""

    source: Column
    target: Column
    transformations: tuple[Transformation, ...]
    job_id: int

    @property
    def indirect(self) -> bool:
        """Whether the source only has a say in which rows there are, or how they are ordered and put together.

        A source of the whole output is one (spec: ``dataset`` of ``columnLineage``), and one of a column if nothing
        but INDIRECT is done to it: before 1-2-0 emitters listed the filters with every column.
        """
        return self.target.field is None or (
            bool(self.transformations) and all(each.type == "INDIRECT" for each in self.transformations)
        )


class ColumnGraph(Protocol):
    """The store of what outputs are derived from, at one moment. Dataset ids are canonical."""

    def sources(self, columns: Collection[Column]) -> Iterable[Derived]:
        """Give at least what these columns are derived from: all whose target is one of them, letter case aside.

        A column without a field asks for all of its dataset; a target without one is a target of each column.
        """

    def targets(self, columns: Collection[Column]) -> Iterable[Derived]:
        """Give at least what is derived from these columns, in the same manner."""

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, Named]:
        """Give the names of datasets; one without is left out of the answer."""

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, Named]: ...

    def schemas(self, dataset_ids: Collection[int]) -> Mapping[int, Mapping[str, str | None]]:
        """Give the columns of datasets whose schema is known, each with its type where that is known."""


@dataclass(frozen=True, slots=True)
class ColumnNode:
    """A column of the answer, or with ``field`` None a whole dataset; ``depth`` counts steps from the start."""

    namespace: str
    name: str
    field: str | None
    depth: int
    data_type: str | None = None
    """As the ``schema`` facet of the dataset has it."""
    names: tuple[str, ...] = ()
    """Ids of the dataset under its other names."""

    @property
    def type(self) -> Literal["column", "dataset"]:
        return "dataset" if self.field is None else "column"

    @property
    def id(self) -> str:
        dataset = text("dataset", Named(self.namespace, self.name))
        return dataset if self.field is None else f"column{dataset.removeprefix('dataset')}:{self.field}"


class ColumnLink(NamedTuple):
    """Data flow from one column to another. ``via`` lists the jobs (``job:NS:NAME``) that say so."""

    source: str
    target: str
    transformations: tuple[Transformation, ...]
    masking: bool
    """Some transformation hides the values of the source."""
    indirect: bool
    via: tuple[str, ...]
    kind: str = "data"


@dataclass(frozen=True, slots=True)
class ColumnSubgraph:
    """The answer, nodes by distance. ``truncated``: there is more within the depth; ``next`` is where it begins.

    It begins nowhere when ``MOST_LINKS`` have ended the walk.
    """

    nodes: list[ColumnNode]
    links: list[ColumnLink]
    truncated: bool
    next: int | None


def column_lineage(
    graph: ColumnGraph,
    columns: Iterable[Column],
    way: Way,
    depth: int,
    *,
    indirect: bool = True,
    max_nodes: int = 5000,
    skip: int = 0,
) -> ColumnSubgraph:
    """Walk from ``columns`` at most ``depth`` steps and give what was met.

    ``indirect`` False leaves out what only filters, joins, sorts or groups. Names of columns are compared exactly,
    letter case aside only where the dataset has no such column.

    A walk has one order, so ``skip`` gives the part after what an earlier, truncated answer gave: each node and link
    once, a link with the later of its ends.
    """
    walk = _Walk(graph, indirect, skip, max_nodes)
    start = list(dict.fromkeys(columns))
    if way is not Way.DOWNSTREAM:
        walk.go(start, graph.sources, _target, _source, depth)
    if way is not Way.UPSTREAM:
        walk.go(start, graph.targets, _source, _target, depth)
    return walk.answer()


def _source(row: Derived) -> Column:
    return row.source


def _target(row: Derived) -> Column:
    return row.target


End = Callable[[Derived], Column]


@dataclass(slots=True)
class _Flow:
    """What is known of the way from one column to another."""

    transformations: set[Transformation] = field(default_factory=set)
    jobs: set[int] = field(default_factory=set)
    indirect: bool = True

    def add(self, other: Derived | _Flow, jobs: Iterable[int]) -> None:
        self.transformations.update(other.transformations)
        self.indirect = self.indirect and other.indirect
        self.jobs.update(jobs)


_Flows = dict[tuple[Column, Column], _Flow]


class _Walk:
    def __init__(self, graph: ColumnGraph, indirect: bool, skip: int, most: int) -> None:
        self._graph = graph
        self._indirect = indirect
        self._flows: _Flows = defaultdict(_Flow)
        self._met = Met(self._flows.keys(), skip, most)
        self._cut = False

    def go(
        self,
        start: Iterable[Column],
        ask: Callable[[Collection[Column]], Iterable[Derived]],
        near: End,
        far: End,
        depth: int,
    ) -> None:
        """Walk to the ``far`` ends of what ``ask`` gives of the ``near`` ones."""
        seen: set[Column] = set()
        frontier: Iterable[Column] = start
        for distance in range(depth + 1):
            entered = self._met.enter(frontier, seen, distance)
            if not entered or distance == depth:
                break
            found = [row for row in ask(entered) if self._indirect or not row.indirect]
            met: set[Column] = set()
            for column, row in _matched(entered, found, near):
                if len(self._flows) >= MOST_LINKS:
                    self._cut = True
                    break
                ends = (far(row), column) if near is _target else (column, far(row))
                self._flows[ends].add(row, (row.job_id,))
                met.add(far(row))
            frontier = sorted(met, key=_order)

    def answer(self) -> ColumnSubgraph:
        met = self._met
        flows = {ends: self._flows[ends] for ends in met.inner()}
        ids = {column.dataset_id for column in met.depths}
        names, schemas = self._graph.datasets(ids), self._graph.schemas(ids)
        jobs = self._graph.jobs(set[int]().union(*(flow.jobs for flow in flows.values())))
        artificial = {id_ for id_, named in names.items() if named.hidden}
        hidden = [column for column, depth in met.depths.items() if depth and column.dataset_id in artificial]
        given = _without({ends: flows[ends] for ends in met.given or ()}, hidden)
        flows = _without(flows, hidden)
        spellings = {id_: _spellings(schema) for id_, schema in schemas.items()}
        nodes: dict[Column, ColumnNode] = {}
        ids_of: dict[Column, str] = {}
        shown: list[ColumnNode] = []
        for place, (column, depth) in enumerate(met.depths.items()):
            named, schema = names.get(column.dataset_id), schemas.get(column.dataset_id, {})
            if named is None or (depth and named.hidden):
                continue
            same = _spelled(column, schema, spellings.get(column.dataset_id, {}))
            if same not in nodes:
                nodes[same] = _node(named, same, depth, schema)
                if met.is_new(place):
                    shown.append(nodes[same])
            ids_of[column] = nodes[same].id
        links: dict[tuple[str, str], _Flow] = defaultdict(_Flow)
        for (source, target), flow in flows.items():
            if source in ids_of and target in ids_of:
                links[ids_of[source], ids_of[target]].add(flow, flow.jobs)
        before = {(ids_of.get(source), ids_of.get(target)) for source, target in given}
        return ColumnSubgraph(
            sorted(shown, key=lambda node: (node.depth, node.id)),
            sorted(_link(*ends, flow, jobs) for ends, flow in links.items() if ends not in before),
            met.truncated or self._cut,
            None if self._cut else met.next,
        )


def _without(flows: _Flows, hidden: Iterable[Column]) -> _Flows:
    """Take columns out, joining what leads in with what leads out; indirect if either part is."""
    result = dict(flows)
    into: dict[Column, set[Column]] = defaultdict(set)
    out_of: dict[Column, set[Column]] = defaultdict(set)
    for source, target in result:
        out_of[source].add(target)
        into[target].add(source)
    for column in hidden:
        sources, targets = into.pop(column, set()) - {column}, out_of.pop(column, set()) - {column}
        result.pop((column, column), None)
        first = {source: result.pop((source, column)) for source in sources}
        second = {target: result.pop((column, target)) for target in targets}
        for source in sources:
            out_of[source].discard(column)
            out_of[source] |= targets
        for target in targets:
            into[target].discard(column)
            into[target] |= sources
        for source, one in first.items():
            for target, other in second.items():
                joined = _Flow()
                if held := result.get((source, target)):
                    joined.add(held, held.jobs)
                through = _Flow(
                    one.transformations | other.transformations,
                    one.jobs | other.jobs,
                    one.indirect or other.indirect,
                )
                joined.add(through, through.jobs)
                result[source, target] = joined
    return result


def _matched(
    columns: Iterable[Column], rows: Sequence[Derived], near: End
) -> Iterator[tuple[Column, Derived]]:
    """Pair each row with those of the columns that its near end means."""
    asked: dict[int, set[str | None]] = defaultdict(set)
    for column in columns:
        asked[column.dataset_id].add(column.field)
    named: dict[int, Set[str | None]] = defaultdict(set)
    for row in rows:
        named[near(row).dataset_id] |= {near(row).field}
    folded: dict[tuple[int, str], set[str]] = defaultdict(set)
    for dataset_id, fields in asked.items():
        for name in fields - named[dataset_id]:
            if name is not None:
                folded[dataset_id, name.lower()].add(name)
    for row in rows:
        dataset_id, name = near(row)
        fields = asked[dataset_id]
        if name is None:
            meant: Set[str | None] = fields
        else:
            meant = (fields & {name}) | folded.get((dataset_id, name.lower()), set()) or fields & {None}
        for each in meant:
            yield Column(dataset_id, each), row


def _spellings(schema: Iterable[str]) -> dict[str, list[str]]:
    """Give the columns of a schema by their names in lower case."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in schema:
        found[name.lower()].append(name)
    return found


def _spelled(
    column: Column, schema: Mapping[str, str | None], spellings: Mapping[str, Sequence[str]]
) -> Column:
    """Give the column as its dataset spells it: sources are named by others, some of them in capitals."""
    if column.field is None or column.field in schema:
        return column
    same = spellings.get(column.field.lower(), ())
    return Column(column.dataset_id, same[0]) if len(same) == 1 else column


def _node(named: Named, column: Column, depth: int, schema: Mapping[str, str | None]) -> ColumnNode:
    data_type = None if column.field is None else schema.get(column.field)
    others = tuple(text("dataset", other) for other in sorted(named.others))
    return ColumnNode(named.namespace, named.name, column.field, depth, data_type, others)


def _link(source: str, target: str, flow: _Flow, jobs: Mapping[int, Named]) -> ColumnLink:
    named = (jobs[id_] for id_ in flow.jobs if id_ in jobs)
    return ColumnLink(
        source,
        target,
        tuple(
            sorted(flow.transformations, key=repr) if len(flow.transformations) > 1 else flow.transformations
        ),
        # MASKED was a type of its own before transformations could be masking (columnLineage 1-0-0).
        any(each.masking or each.type == "MASKED" for each in flow.transformations),
        flow.indirect,
        tuple(sorted(text("job", job) for job in named if not job.hidden)),
    )


def _order(column: Column) -> tuple[int, bool, str]:
    return column.dataset_id, column.field is not None, column.field or ""
