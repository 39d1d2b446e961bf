"""Walking columns that are kept in memory: what names a column, what names a whole dataset, limits and symmetry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from time import thread_time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lineage.columns import (
    MOST_LINKS,
    Column,
    ColumnLink,
    ColumnSubgraph,
    Derived,
    Transformation,
    column_lineage,
)
from lineage.traverse import Named, Way

IDENTITY = Transformation("DIRECT", "IDENTITY", None, False)
MASKED = Transformation("DIRECT", "TRANSFORMATION", "sha256", True)
FILTER = Transformation("INDIRECT", "FILTER", "status <> 'returned'", False)
OLD_MASKED = Transformation("MASKED", None, None, False)


class Memory:
    """The port ``ColumnGraph`` over a list; gives the rows of whole datasets, more than was asked for."""

    def __init__(self) -> None:
        self.rows: list[Derived] = []
        self.numbers: dict[str, int] = {}
        self.schema: dict[int, dict[str, str | None]] = {}
        self.unseen: set[int] = set()
        self.artificial: set[int] = set()
        self.asked = 0

    def column(self, text: str) -> Column:
        """Read ``table.field``, or ``table.*`` for all of it."""
        table, _, field = text.partition(".")
        number = self.numbers.setdefault(table, len(self.numbers) + 1)
        return Column(number, None if field == "*" else field)

    def add(self, source: str, target: str, *transformations: Transformation, job: int = 1) -> None:
        self.rows.append(Derived(self.column(source), self.column(target), transformations, job))

    def sources(self, columns: Collection[Column]) -> Iterable[Derived]:
        return self._of(columns, lambda row: row.target)

    def targets(self, columns: Collection[Column]) -> Iterable[Derived]:
        return self._of(columns, lambda row: row.source)

    def _of(self, columns: Collection[Column], near: Callable[[Derived], Column]) -> Iterable[Derived]:
        self.asked += 1
        ids = {column.dataset_id for column in columns}
        return [row for row in self.rows if near(row).dataset_id in ids]

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, Named]:
        names = {
            number: Named("db", table, hidden=number in self.artificial)
            for table, number in self.numbers.items()
        }
        return {id_: names[id_] for id_ in dataset_ids if id_ not in self.unseen}

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, Named]:
        return {id_: Named("shop", f"job{id_}", hidden=id_ == 0) for id_ in job_ids}

    def schemas(self, dataset_ids: Collection[int]) -> Mapping[int, Mapping[str, str | None]]:
        return {id_: self.schema[id_] for id_ in dataset_ids if id_ in self.schema}

    def walk(self, start: str, way: Way = Way.UPSTREAM, depth: int = 9, **more: Any) -> ColumnSubgraph:
        return column_lineage(self, [self.column(text) for text in start.split()], way, depth, **more)


def depths(answer: ColumnSubgraph) -> dict[str, int]:
    return {f"{node.name}.{node.field or '*'}": node.depth for node in answer.nodes}


def short(id_: str) -> str:
    kind, _, table, *field = id_.split(":")
    return f"{table}.{'*' if kind == 'dataset' else field[0]}"


def flows(answer: ColumnSubgraph) -> set[str]:
    return {f"{short(link.source)} {short(link.target)}" for link in answer.links}


def only(links: Iterable[ColumnLink]) -> ColumnLink:
    (link,) = links
    return link


def chain() -> Memory:
    graph = Memory()
    graph.add("raw.id", "staged.id", IDENTITY)
    graph.add("raw.name", "staged.name", MASKED)
    graph.add("staged.id", "mart.customer", IDENTITY)
    graph.add("staged.name", "mart.customer")
    return graph


def test_both_ways() -> None:
    assert depths(chain().walk("mart.customer")) == {
        "mart.customer": 0,
        "staged.id": 1,
        "staged.name": 1,
        "raw.id": 2,
        "raw.name": 2,
    }
    assert depths(chain().walk("raw.id", Way.DOWNSTREAM)) == {
        "raw.id": 0,
        "staged.id": 1,
        "mart.customer": 2,
    }
    both = chain().walk("staged.id", Way.BOTH)
    assert flows(both) == {"raw.id staged.id", "staged.id mart.customer"}
    assert depths(chain().walk("mart.customer", depth=1)).keys() == {
        "mart.customer",
        "staged.id",
        "staged.name",
    }
    assert not both.truncated


def test_ids_are_written_as_they_are_asked_for() -> None:
    answer = chain().walk("raw.id", depth=0)
    assert [node.id for node in answer.nodes] == ["column:db:raw:id"]
    whole = Memory()
    whole.column("raw.*")
    assert [node.id for node in whole.walk("raw.*").nodes] == ["dataset:db:raw"]


def test_a_link_gathers_what_jobs_say_of_it() -> None:
    graph = Memory()
    graph.add("a.x", "b.x", MASKED, job=2)
    graph.add("a.x", "b.x", IDENTITY, job=1)
    graph.add("a.x", "b.x", FILTER, job=0)
    link = only(graph.walk("b.x").links)
    assert set(link.transformations) == {IDENTITY, MASKED, FILTER}
    assert link.via == ("job:shop:job1", "job:shop:job2")
    assert link.masking
    assert not link.indirect


def test_masking_as_it_was_written_before_transformations() -> None:
    graph = Memory()
    graph.add("a.x", "b.x", OLD_MASKED)
    assert only(graph.walk("b.x").links).masking


def test_a_filter_has_a_say_in_every_column_of_the_output() -> None:
    graph = chain()
    graph.add("raw.status", "staged.*", FILTER)
    up = graph.walk("mart.customer")
    assert {"raw.status staged.id", "raw.status staged.name"} <= flows(up)
    assert {link.indirect for link in up.links if short(link.source) == "raw.status"} == {True}
    assert depths(graph.walk("mart.customer", indirect=False)) == depths(chain().walk("mart.customer"))

    down = graph.walk("raw.status", Way.DOWNSTREAM)
    # What comes of any column of the output comes of the whole.
    assert flows(down) == {"raw.status staged.*", "staged.* mart.customer"}
    assert {short(link.target): link.indirect for link in down.links} == {
        "staged.*": True,
        "mart.customer": False,
    }
    assert depths(graph.walk("raw.status", Way.DOWNSTREAM, indirect=False)) == {"raw.status": 0}


def test_a_walk_ends_where_filters_and_columns_are_too_many() -> None:
    graph, many = Memory(), 2_000
    for number in range(many):
        graph.add(f"a.c{number}", f"b.c{number}", IDENTITY)
        graph.add(f"a.c{number}", "b.*", FILTER)
    start = thread_time()
    answer = graph.walk(" ".join(f"b.c{number}" for number in range(many)))
    assert (len(answer.links), answer.truncated, answer.next) == (MOST_LINKS, True, None)
    assert thread_time() - start < 4


def test_filters_that_are_listed_with_every_column_are_indirect_too() -> None:
    graph = Memory()
    graph.add("a.x", "b.x", IDENTITY)
    graph.add("a.status", "b.x", FILTER)
    graph.add("a.both", "b.x", FILTER, IDENTITY)
    assert {short(link.source): link.indirect for link in graph.walk("b.x").links} == {
        "a.x": False,
        "a.status": True,
        "a.both": False,
    }


def test_a_source_may_be_a_whole_dataset() -> None:
    graph = Memory()
    graph.add("raw.id", "a.id")
    graph.add("raw.status", "a.*", FILTER)
    graph.add("a.*", "b.count")
    assert flows(graph.walk("b.count")) == {"a.* b.count", "raw.id a.*", "raw.status a.*"}
    assert flows(graph.walk("raw.id", Way.DOWNSTREAM)) == {"raw.id a.id", "a.id b.count"}
    # From both a column and the whole of it, the column takes what is its own.
    graph.add("a.id", "b.id")
    assert flows(graph.walk("a.* a.id", Way.DOWNSTREAM)) == {"a.* b.count", "a.id b.count", "a.id b.id"}


def test_letter_case_counts_unless_there_is_no_such_column() -> None:
    graph = Memory()
    graph.add("raw.id", "a.Id")
    graph.add("a.ID", "b.id")
    assert depths(graph.walk("b.id")) == {"b.id": 0, "a.ID": 1, "raw.id": 2}
    assert depths(graph.walk("raw.id", Way.DOWNSTREAM)) == {"raw.id": 0, "a.Id": 1, "b.id": 2}
    graph.add("raw.other", "a.ID")
    assert depths(graph.walk("b.id")) == {"b.id": 0, "a.ID": 1, "raw.other": 2}


def test_a_column_is_shown_as_its_dataset_spells_it() -> None:
    graph = Memory()
    graph.add("a.ID", "b.x")
    graph.add("a.Id", "b.x", job=2)
    graph.schema[1] = {"id": "bigint"}
    answer = graph.walk("b.x")
    assert {node.id: node.data_type for node in answer.nodes} == {
        "column:db:b:x": None,
        "column:db:a:id": "bigint",
    }
    assert only(answer.links).via == ("job:shop:job1", "job:shop:job2")
    graph.schema[1] = {"id": "bigint", "iD": "text"}
    assert depths(graph.walk("b.x")).keys() == {"b.x", "a.ID", "a.Id"}


def test_columns_that_no_schema_has_do_not_take_the_longer_the_more_it_has() -> None:
    graph, many = Memory(), 4_000
    for number in range(many):
        graph.add(f"a.lost{number}", "b.x")
    graph.schema[1] = {f"had{number}": None for number in range(5 * many)}
    start = thread_time()
    assert len(graph.walk("b.x").nodes) == many + 1
    assert thread_time() - start < 4


def test_a_dataset_without_a_name_is_left_out_with_its_links() -> None:
    graph = chain()
    graph.unseen.add(graph.numbers["staged"])
    answer = graph.walk("mart.customer")
    assert depths(answer) == {"mart.customer": 0, "raw.id": 2, "raw.name": 2}
    assert answer.links == []


def test_an_artificial_dataset_is_walked_through_and_left_out() -> None:
    graph = chain()
    graph.add("raw.status", "staged.*", FILTER)
    graph.artificial.add(graph.numbers["staged"])
    answer = graph.walk("mart.customer")
    assert depths(answer) == {"mart.customer": 0, "raw.id": 2, "raw.name": 2, "raw.status": 2}
    links = {short(link.source): link for link in answer.links}
    assert {name: link.indirect for name, link in links.items()} == {
        "raw.id": False,
        "raw.name": False,
        "raw.status": True,
    }
    assert links["raw.name"].masking
    # Whoever asks for it, gets it.
    assert "staged.id" in depths(graph.walk("staged.id"))


def test_circles_end() -> None:
    graph = Memory()
    graph.add("a.x", "b.x")
    graph.add("b.x", "a.x")
    graph.add("b.x", "b.x")
    assert flows(graph.walk("a.x", Way.BOTH)) == {"a.x b.x", "b.x a.x", "b.x b.x"}


def test_one_question_a_level() -> None:
    graph = chain()
    graph.walk("mart.customer")
    assert graph.asked == 3


# --- any graph ----------------------------------------------------------------------------------------------------

COLUMNS = st.sampled_from([f"{table}.{field}" for table in "abcd" for field in ("x", "y", "*")])


@st.composite
def graphs(draw: st.DrawFn) -> Memory:
    graph = Memory()
    for number, (source, target) in enumerate(draw(st.lists(st.tuples(COLUMNS, COLUMNS), max_size=14))):
        # A source that names a field on neither side is no column lineage, and no store gives it.
        if not (source.endswith("*") and target.endswith("*")):
            graph.add(
                source, target, *draw(st.lists(st.sampled_from([FILTER, IDENTITY]), max_size=1)), job=number
            )
    for table in "abcd":
        graph.column(f"{table}.x")
    return graph


def reached(graph: Memory, start: str, way: Way) -> set[str]:
    """Give all columns that a walk meets, each whole dataset as all of its columns."""
    return {
        f"{name.partition('.')[0]}.{field}"
        for name, depth in depths(graph.walk(start, way)).items()
        if depth
        for field in (("x", "y") if name.endswith("*") else (name.partition(".")[2],))
    }


@given(graphs())
def test_whatever_is_upstream_of_a_column_has_it_downstream(graph: Memory) -> None:
    columns = [f"{table}.{field}" for table in "abcd" for field in ("x", "y")]
    up = {(one, other) for one in columns for other in reached(graph, one, Way.UPSTREAM) if one != other}
    down = {(other, one) for one in columns for other in reached(graph, one, Way.DOWNSTREAM) if one != other}
    assert up == down


@given(
    graphs(), COLUMNS, st.sampled_from(list(Way)), st.integers(1, 4), st.sets(st.integers(1, 4), max_size=2)
)
def test_pieces_make_the_whole(graph: Memory, start: str, way: Way, most: int, artificial: set[int]) -> None:
    graph.artificial = artificial
    whole = graph.walk(start, way)
    nodes, links, skip = [], [], 0
    while True:
        part = graph.walk(start, way, max_nodes=most, skip=skip)
        nodes += part.nodes
        links += [(link.source, link.target) for link in part.links]
        if part.next is None:
            break
        assert len(part.nodes) == most or artificial
        skip = part.next
    assert sorted(nodes, key=repr) == sorted(whole.nodes, key=repr)
    assert sorted(links) == sorted((link.source, link.target) for link in whole.links)
