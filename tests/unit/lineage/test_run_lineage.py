"""Walking runs that are kept in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from lineage.model import JobRef
from lineage.run_lineage import Read, RunKnown, RunSubgraph, run_lineage
from lineage.traverse import Named, Way


class Memory:
    """The port ``RunGraph`` over a list of (reader, dataset, writer)."""

    def __init__(self, *reads: tuple[int, int, int | None]) -> None:
        self.reads = [Read(reader, dataset, writer, None) for reader, dataset, writer in reads]
        self.unseen: set[int] = set()
        self.shared: set[int] = set()
        self.asked = 0

    def reads_of(self, run_ids: Collection[int]) -> Iterable[Read]:
        self.asked += 1
        return [read for read in self.reads if read.run_id in run_ids]

    def readers_of(self, run_ids: Collection[int]) -> Iterable[Read]:
        self.asked += 1
        return [read for read in self.reads if read.writer_id in run_ids]

    def runs(self, run_ids: Collection[int]) -> Mapping[int, RunKnown]:
        return {
            id_: RunKnown(
                f"r{id_}", JobRef("shop", f"job{id_}"), id_ in self.shared, "COMPLETE", id_, id_ + 1
            )
            for id_ in run_ids
            if id_ not in self.unseen
        }

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, Named]:
        return {id_: Named("db", f"d{id_}", hidden=id_ == 0) for id_ in dataset_ids}


def depths(answer: RunSubgraph) -> dict[str, int]:
    return {node.id: node.depth for node in answer.nodes}


def test_both_ways() -> None:
    graph = Memory((3, 1, 1), (3, 2, 2), (2, 9, None), (4, 3, 3), (5, 3, 3))
    up = run_lineage(graph, 4, Way.UPSTREAM, 9)
    assert depths(up) == {"run:r4": 0, "run:r3": 1, "run:r1": 2, "run:r2": 2}
    assert graph.asked == 3
    down = run_lineage(graph, 1, Way.DOWNSTREAM, 9)
    assert depths(down) == {"run:r1": 0, "run:r3": 1, "run:r4": 2, "run:r5": 2}
    assert [(link.source, link.target, link.datasets) for link in down.links] == [
        ("run:r1", "run:r3", ("dataset:db:d1",)),
        ("run:r3", "run:r4", ("dataset:db:d3",)),
        ("run:r3", "run:r5", ("dataset:db:d3",)),
    ]
    assert depths(run_lineage(graph, 3, Way.BOTH, 1)).keys() == {
        "run:r1",
        "run:r2",
        "run:r3",
        "run:r4",
        "run:r5",
    }


def test_inputs_say_who_wrote_them_as_far_as_the_walk_went() -> None:
    graph = Memory((3, 1, 1), (3, 2, None), (3, 0, None), (1, 5, 9))
    nodes = {node.id: node for node in run_lineage(graph, 3, Way.UPSTREAM, 1).nodes}
    assert [(each.id, each.writer) for each in nodes["run:r3"].inputs or ()] == [
        ("dataset:db:d1", "run:r1"),
        ("dataset:db:d2", None),
    ]
    assert nodes["run:r1"].inputs is None


def test_a_shared_run_id_is_written_with_its_job() -> None:
    graph = Memory((2, 1, 1))
    graph.shared = {1}
    assert depths(run_lineage(graph, 2, Way.UPSTREAM, 1)) == {"run:r2": 0, "run:r1:job:shop:job1": 1}


def test_a_run_that_must_not_be_seen_is_left_out_with_its_links() -> None:
    graph = Memory((3, 1, 2), (2, 5, 1))
    graph.unseen = {2}
    answer = run_lineage(graph, 3, Way.UPSTREAM, 9)
    assert depths(answer) == {"run:r3": 0, "run:r1": 2}
    assert answer.links == []
    assert [each.writer for each in answer.nodes[0].inputs or ()] == [None]


@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(1, 3), st.none() | st.integers(1, 8)), max_size=20),
    st.sampled_from(list(Way)),
    st.integers(1, 4),
)
def test_pieces_make_the_whole(reads: list[tuple[int, int, int | None]], way: Way, most: int) -> None:
    graph = Memory(*reads)
    whole = run_lineage(graph, 1, way, 9)
    nodes, links, skip = [], [], 0
    while True:
        part = run_lineage(graph, 1, way, 9, max_nodes=most, skip=skip)
        nodes += [(node.id, node.depth) for node in part.nodes]
        links += part.links
        if part.next is None:
            break
        skip = part.next
    assert sorted(nodes) == sorted((node.id, node.depth) for node in whole.nodes)
    assert sorted((link.source, link.target) for link in links) == [
        (link.source, link.target) for link in whole.links
    ]
