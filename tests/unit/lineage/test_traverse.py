"""Walking a graph that is kept in memory: depth, direction, limits, and what narrows the way at dataset level."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from lineage.model import DatasetRef, Direction, JobRef
from lineage.traverse import Edge, Level, Link, Subgraph, Way, traverse
from tests.events import job_ref, ref


class Memory:
    """The port ``Graph`` over lists; counts the questions."""

    def __init__(self) -> None:
        self.edges: list[Edge] = []
        self.sources_of: dict[int, set[int]] = {}
        self.pairs: list[tuple[int, int, str]] = []
        self.names: dict[int, DatasetRef] = {}
        self.job_names: dict[int, JobRef] = {}
        self.asked = 0

    def dataset(self, name: str) -> int:
        self.names[ref(name).id] = ref(name)
        return ref(name).id

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
        if not declared:
            self.job_names[job.id] = job
        for input_ in (*inputs, *implied):
            edge = Edge(job.id, self.dataset(input_), Direction.INPUT, None, input_ in implied, declared)
            self.edges.append(edge)
        for output in outputs:
            derivation_id = None
            if sources and output in sources:
                derivation_id = len(self.sources_of)
                self.sources_of[derivation_id] = {self.dataset(source) for source in sources[output]}
            edge = Edge(job.id, self.dataset(output), Direction.OUTPUT, derivation_id, False, declared)
            self.edges.append(edge)

    def alias(self, one: str, other: str, reason: str = "symlink") -> None:
        self.pairs.append((self.dataset(one), self.dataset(other), reason))

    def edges_of_datasets(self, dataset_ids: Collection[int], direction: Direction) -> list[Edge]:
        self.asked += 1
        return [e for e in self.edges if e.dataset_id in dataset_ids and e.direction is direction]

    def edges_of_jobs(self, job_ids: Collection[int], direction: Direction) -> list[Edge]:
        self.asked += 1
        return [e for e in self.edges if e.job_id in job_ids and e.direction is direction]

    def sources(self, derivation_ids: Collection[int]) -> Mapping[int, Collection[int]]:
        self.asked += 1
        return {id_: self.sources_of[id_] for id_ in derivation_ids if self.sources_of[id_]}

    def aliases(self, dataset_ids: Collection[int]) -> list[tuple[int, int, str]]:
        self.asked += 1
        return [pair for pair in self.pairs if pair[0] in dataset_ids or pair[1] in dataset_ids]

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, JobRef]:
        self.asked += 1
        return {id_: self.job_names[id_] for id_ in job_ids if id_ in self.job_names}

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, DatasetRef]:
        self.asked += 1
        return {id_: self.names[id_] for id_ in dataset_ids if id_ in self.names}


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
    graph.job("maker of x", ["a", "b"], ["x"], sources={"x": ["a"]}, declared=True)
    graph.job("load", [], ["a"])
    answer = traverse(graph, ref("x"), Way.UPSTREAM, 5)
    assert depths(answer) == {"x": 0, "a": 1, "load": 2}
    assert flows(answer) == {("a", "x"), ("load", "a")}
    assert flows(traverse(graph, ref("a"), Way.DOWNSTREAM, 5)) == {("a", "x")}
    (link,) = traverse(graph, ref("x"), Way.UPSTREAM, 5, Level.DATASET).links
    assert link.via == ()


# --- other names ------------------------------------------------------------------------------------------------


def test_other_names_of_a_dataset_are_at_no_distance() -> None:
    graph = Memory()
    graph.job("spark", ["raw"], ["/lake/orders"])
    graph.job("hive", ["lake.orders"], ["mart"])
    graph.alias("lake.orders", "/lake/orders")
    graph.alias("/lake/orders", "old.orders", "rename")
    for level, depth in ((Level.JOB, 4), (Level.DATASET, 2)):
        answer = traverse(graph, ref("mart"), Way.UPSTREAM, depth, level)
        assert {"raw", "/lake/orders", "lake.orders", "old.orders"} <= set(depths(answer))
        assert depths(answer)["/lake/orders"] == depths(answer)["lake.orders"] == depth // 2
        assert flows(answer, "symlink") == {("lake.orders", "/lake/orders")}
        assert flows(answer, "rename") == {("/lake/orders", "old.orders")}


def test_other_names_that_name_each_other_end() -> None:
    graph = Memory()
    graph.alias("a", "b")
    graph.alias("b", "a")
    graph.alias("b", "c")
    assert depths(traverse(graph, ref("a"), Way.BOTH, 3)) == {"a": 0, "b": 0, "c": 0}


def test_two_jobs_between_the_same_datasets_are_one_edge_that_names_both() -> None:
    graph = Memory()
    graph.job("one", ["a"], ["b"])
    graph.job("two", ["a"], ["b"])
    (link,) = traverse(graph, ref("b"), Way.UPSTREAM, 5, Level.DATASET).links
    source, target = (f"dataset:{ref(name).namespace}:{name}" for name in "ab")
    assert link == Link(source, target, "data", ("job:shop:one", "job:shop:two"))
