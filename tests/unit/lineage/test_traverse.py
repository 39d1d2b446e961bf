"""Walking a graph that is kept in memory: depth, direction, limits, and what narrows the way at dataset level."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.model import DatasetRef, Direction, JobRef
from lineage.traverse import Key, Level, Link, Named, Step, Subgraph, Way, traverse
from tests.events import job_ref, ref


class Memory:
    """The port ``Graph`` over lists; counts the questions."""

    def __init__(self) -> None:
        self.inputs: dict[int, dict[int, bool]] = {}
        self.outputs: dict[int, dict[int, set[int] | None]] = {}
        self.names: dict[int, Named] = {}
        self.same: dict[int, int] = {}
        self.asked = 0

    def dataset(self, name: str, *, hidden: bool = False) -> int:
        id_ = ref(name).id
        known = self.names.setdefault(id_, Named(*ref(name)))
        self.names[id_] = known._replace(hidden=known.hidden or hidden)
        return self.same.get(id_, id_)

    def job(
        self,
        name: str,
        inputs: Collection[str] = (),
        outputs: Collection[str] = (),
        *,
        implied: Collection[str] = (),
        sources: Mapping[str, Collection[str]] | None = None,
        declared: bool = False,
    ) -> None:
        """Add a job; ``sources`` names those of an output explicitly."""
        job = job_ref(name)
        self.names[job.id] = Named(*job, hidden=declared)
        self.inputs[job.id] = {self.dataset(input_): input_ in implied for input_ in (*inputs, *implied)}
        explicit = {output: {self.dataset(source) for source in of} for output, of in (sources or {}).items()}
        self.outputs[job.id] = {self.dataset(output): explicit.get(output) for output in outputs}

    def alias(self, one: str, other: str) -> None:
        """Make one the canonical name of the other; before the jobs that name it."""
        canonical = self.dataset(one)
        self.names[canonical] = self.names[canonical]._replace(others=(ref(other),))
        self.same[ref(other).id] = canonical

    def start(self, node: JobRef | DatasetRef) -> Key:
        self.asked += 1
        return ("job", node.id) if isinstance(node, JobRef) else ("dataset", self.same.get(node.id, node.id))

    def from_jobs(self, job_ids: Collection[int], direction: Direction) -> list[Step]:
        self.asked += 1
        edges: Mapping[int, Mapping[int, object]] = (
            self.inputs if direction is Direction.INPUT else self.outputs
        )
        return [Step(job, far, "data", None) for job in job_ids for far in edges.get(job, ())]

    def from_datasets(self, dataset_ids: Collection[int], direction: Direction) -> list[Step]:
        self.asked += 1
        edges: Mapping[int, Mapping[int, object]] = (
            self.outputs if direction is Direction.INPUT else self.inputs
        )
        return [
            Step(near, job, "data", None)
            for job, ends in edges.items()
            for near in ends
            if near in dataset_ids
        ]

    def between_datasets(self, dataset_ids: Collection[int], direction: Direction) -> list[Step]:
        self.asked += 1
        pairs = [
            (source, output, job)
            for job, outputs in self.outputs.items()
            for output, sources in outputs.items()
            for source in (
                [input_ for input_, implied in self.inputs[job].items() if not implied]
                if sources is None
                else sources
            )
        ]
        if direction is Direction.INPUT:
            return [
                Step(output, source, "data", job) for source, output, job in pairs if output in dataset_ids
            ]
        return [Step(source, output, "data", job) for source, output, job in pairs if source in dataset_ids]

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, Named]:
        self.asked += 1
        return {id_: self.names[id_] for id_ in job_ids if id_ in self.names}

    datasets = jobs


@pytest.fixture
def chain() -> Memory:
    """Give raw -> (stage) -> staged -> (build) -> mart -> (report) -> board."""
    graph = Memory()
    graph.job("stage", ["raw"], ["staged"])
    graph.job("build", ["staged"], ["mart"])
    graph.job("report", ["mart"], ["board"])
    return graph


def depths(answer: Subgraph) -> dict[str, int]:
    return {node.name: node.depth for node in answer.nodes}


def short(id_: str) -> str:
    return id_.rpartition(":")[2]


def flows(answer: Subgraph, kind: str = "data") -> set[tuple[str, str]]:
    return {(short(link.source), short(link.target)) for link in answer.links if link.kind == kind}


def datasets(graph: Memory, name: str, way: Way, depth: int = 10) -> set[tuple[str, str]]:
    return flows(traverse(graph, ref(name), way, depth, Level.DATASET))


def test_upstream_and_downstream_by_jobs(chain: Memory) -> None:
    up = traverse(chain, ref("mart"), Way.UPSTREAM, 10)
    assert depths(up) == {"mart": 0, "build": 1, "staged": 2, "stage": 3, "raw": 4}
    assert flows(up) == {("build", "mart"), ("staged", "build"), ("stage", "staged"), ("raw", "stage")}
    down = traverse(chain, job_ref("build"), Way.DOWNSTREAM, 10)
    assert depths(down) == {"build": 0, "mart": 1, "report": 2, "board": 3}
    assert not up.truncated


def test_nodes_come_by_depth_then_name_with_their_ids(chain: Memory) -> None:
    answer = traverse(chain, ref("mart"), Way.BOTH, 1)
    assert [node.id for node in answer.nodes] == [
        f"dataset:{ref('mart').namespace}:mart",
        "job:shop:build",
        "job:shop:report",
    ]


@pytest.mark.parametrize(
    ("depth", "names"), [(0, {"mart"}), (1, {"mart", "build"}), (2, {"mart", "build", "staged"})]
)
def test_depth_counts_edges(chain: Memory, depth: int, names: set[str]) -> None:
    answer = traverse(chain, ref("mart"), Way.UPSTREAM, depth)
    assert set(depths(answer)) == names
    assert not answer.truncated


def test_depth_at_dataset_level_counts_steps_from_dataset_to_dataset(chain: Memory) -> None:
    answer = traverse(chain, ref("mart"), Way.UPSTREAM, 1, Level.DATASET)
    assert depths(answer) == {"mart": 0, "staged": 1}
    assert [(*map(short, link[:2]), link.via) for link in answer.links] == [
        ("staged", "mart", ("job:shop:build",))
    ]


def test_both_ways_is_not_every_way(chain: Memory) -> None:
    chain.job("audit", ["staged"], ["findings"])
    answer = traverse(chain, ref("mart"), Way.BOTH, 10)
    assert set(depths(answer)) == {"raw", "stage", "staged", "build", "mart", "report", "board"}


def test_a_job_is_the_datasets_around_it_at_dataset_level(chain: Memory) -> None:
    answer = traverse(chain, job_ref("build"), Way.BOTH, 1, Level.DATASET)
    assert depths(answer) == {"staged": 0, "raw": 1, "mart": 0, "board": 1}


def test_a_node_that_nobody_knows_has_no_answer(chain: Memory) -> None:
    assert traverse(chain, ref("nothing"), Way.BOTH, 5) == Subgraph([], [], truncated=False)


def test_cycles_and_self_loops_end() -> None:
    graph = Memory()
    graph.job("there", ["a"], ["b"])
    graph.job("back", ["b"], ["a"])
    graph.job("merge", ["a"], ["a"])
    answer = traverse(graph, ref("a"), Way.BOTH, 50)
    assert depths(answer) == {"a": 0, "there": 1, "back": 1, "merge": 1, "b": 2}
    assert datasets(graph, "a", Way.UPSTREAM) == {("a", "b"), ("b", "a"), ("a", "a")}


def test_the_shorter_way_counts() -> None:
    graph = Memory()
    graph.job("long", ["a"], ["b"])
    graph.job("longer", ["b"], ["c"])
    graph.job("short", ["a"], ["c"])
    assert depths(traverse(graph, ref("c"), Way.UPSTREAM, 9, Level.DATASET)) == {"c": 0, "a": 1, "b": 1}


@pytest.mark.parametrize(("limit", "truncated"), [(1, True), (6, True), (7, False), (8, False)])
def test_more_nodes_than_asked_for_are_left_out_and_told(chain: Memory, limit: int, truncated: bool) -> None:
    answer = traverse(chain, ref("board"), Way.UPSTREAM, 10, max_nodes=limit)
    assert (len(answer.nodes), answer.truncated) == (min(limit, 7), truncated)
    known = {node.id for node in answer.nodes}
    assert all({link.source, link.target} <= known for link in answer.links)


def test_a_wide_level_is_one_question_not_one_a_node() -> None:
    graph = Memory()
    for number in range(200):
        graph.job(f"job{number}", ["hub"], [f"out{number}"])
    traverse(graph, ref("hub"), Way.DOWNSTREAM, 2)
    narrow = Memory()
    narrow.job("job", ["hub"], ["out"])
    traverse(narrow, ref("hub"), Way.DOWNSTREAM, 2)
    assert graph.asked == narrow.asked


# --- what narrows the way at dataset level ----------------------------------------------------------------------


def test_an_output_with_sources_comes_from_those_alone() -> None:
    graph = Memory()
    graph.job("build", ["a", "b"], ["x", "y", "z"], sources={"x": ["a"], "y": []})
    assert datasets(graph, "x", Way.UPSTREAM) == {("a", "x")}
    assert datasets(graph, "y", Way.UPSTREAM) == set()
    assert datasets(graph, "z", Way.UPSTREAM) == {("a", "z"), ("b", "z")}
    assert datasets(graph, "b", Way.DOWNSTREAM) == {("b", "z")}
    assert datasets(graph, "a", Way.DOWNSTREAM) == {("a", "x"), ("a", "z")}


def test_an_implied_input_feeds_only_outputs_that_name_it() -> None:
    graph = Memory()
    graph.job("build", ["a"], ["x", "y"], implied=["hidden"], sources={"x": ["hidden"]})
    assert datasets(graph, "x", Way.UPSTREAM) == {("hidden", "x")}
    assert datasets(graph, "y", Way.UPSTREAM) == {("a", "y")}
    assert datasets(graph, "hidden", Way.DOWNSTREAM) == {("hidden", "x")}
    assert ("hidden", "build") in flows(traverse(graph, job_ref("build"), Way.UPSTREAM, 1))


def test_the_narrowing_is_of_datasets_not_of_jobs() -> None:
    graph = Memory()
    graph.job("build", ["a", "b"], ["x"], sources={"x": ["a"]})
    assert {"a", "b"} <= set(depths(traverse(graph, ref("x"), Way.UPSTREAM, 5)))


def test_declared_lineage_has_no_job_between() -> None:
    graph = Memory()
    graph.job("maker of x", ["a", "b"], ["x"], sources={"x": ["a", "b"]}, declared=True)
    graph.job("load", [], ["a"])
    answer = traverse(graph, ref("x"), Way.UPSTREAM, 5)
    assert depths(answer) == {"x": 0, "a": 2, "b": 2, "load": 3}
    assert flows(answer) == {("a", "x"), ("b", "x"), ("load", "a")}
    assert flows(traverse(graph, ref("a"), Way.DOWNSTREAM, 5)) == {("a", "x")}
    assert {link.via for link in traverse(graph, ref("x"), Way.UPSTREAM, 5, Level.DATASET).links} == {()}


def test_what_stands_only_for_data_between_jobs_is_taken_out() -> None:
    graph = Memory()
    graph.dataset("memory", hidden=True)
    graph.dataset("nobody reads it", hidden=True)
    graph.job("extract", ["api"], ["memory", "nobody reads it"])
    graph.job("load", ["memory"], ["raw"])
    answer = traverse(graph, ref("raw"), Way.UPSTREAM, 5)
    assert flows(answer) == {("load", "raw"), ("extract", "load"), ("api", "extract")}
    assert depths(answer) == {"raw": 0, "load": 1, "extract": 3, "api": 4}
    (link,) = traverse(graph, ref("api"), Way.DOWNSTREAM, 5, Level.DATASET).links
    assert (short(link.source), short(link.target)) == ("api", "raw")
    assert link.via == ("job:shop:extract", "job:shop:load")


# --- other names ------------------------------------------------------------------------------------------------


def test_a_dataset_with_several_names_is_one_node() -> None:
    graph = Memory()
    graph.alias("lake.orders", "/lake/orders")
    graph.job("spark", ["raw"], ["/lake/orders"])
    graph.job("hive", ["lake.orders"], ["mart"])
    answer = traverse(graph, ref("mart"), Way.UPSTREAM, 4)
    assert depths(answer) == {"mart": 0, "hive": 1, "lake.orders": 2, "spark": 3, "raw": 4}
    assert [node.names for node in answer.nodes if node.name == "lake.orders"] == [
        (f"dataset:{ref('x').namespace}:/lake/orders",)
    ]
    assert depths(traverse(graph, ref("/lake/orders"), Way.UPSTREAM, 0)) == {"lake.orders": 0}


def test_two_jobs_between_the_same_datasets_are_one_edge_that_names_both() -> None:
    graph = Memory()
    graph.job("one", ["a"], ["b"])
    graph.job("two", ["a"], ["b"])
    (link,) = traverse(graph, ref("b"), Way.UPSTREAM, 5, Level.DATASET).links
    source, target = (f"dataset:{ref(name).namespace}:{name}" for name in "ab")
    assert link == Link(source, target, "data", ("job:shop:one", "job:shop:two"))


# --- pages ------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25),
    st.sampled_from(Way),
    st.sampled_from(Level),
    st.integers(1, 7),
    st.sets(st.integers(0, 9), max_size=3),
)
def test_the_pages_of_a_walk_are_the_walk(
    pairs: list[tuple[int, int]], way: Way, level: Level, size: int, hidden: set[int]
) -> None:
    graph = Memory()
    graph.dataset("d0")
    for number in hidden - {0}:
        graph.dataset(f"d{number}", hidden=True)
    for number, (source, target) in enumerate(pairs):
        graph.job(f"j{number}", [f"d{source}"], [f"d{target}"])
    whole = traverse(graph, ref("d0"), way, 6, level)
    nodes, links, skip = [], [], 0
    while True:
        page = traverse(graph, ref("d0"), way, 6, level, max_nodes=size, skip=skip)
        nodes += [node.id for node in page.nodes]
        links += page.links
        if page.next is None:
            break
        skip = page.next
    assert sorted(nodes) == sorted(node.id for node in whole.nodes)
    assert len(links) == len({link[:3] for link in links})
    assert {link[:3] for link in links} == {link[:3] for link in whole.links}
