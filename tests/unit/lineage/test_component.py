"""The jobs connected with one."""

from __future__ import annotations

from collections.abc import Collection

from lineage.component import Edge, component

READ, WRITTEN = 0, 1


class Store:
    """Edges in memory; counts the questions."""

    def __init__(self, *edges: Edge) -> None:
        self.edges = edges
        self.asked = 0

    def of_jobs(self, job_ids: Collection[int]) -> list[Edge]:
        self.asked += 1
        return [edge for edge in self.edges if edge[0] in job_ids]

    def at_datasets(self, dataset_ids: Collection[int]) -> set[int]:
        self.asked += 1
        return {job for job, dataset, _ in self.edges if dataset in dataset_ids}


def ring(size: int) -> Store:
    """Give jobs in a ring: each reads what the one before has written."""
    edges = [(job, 100 + job, READ) for job in range(size)]
    return Store(*edges, *((job, 100 + (job + 1) % size, WRITTEN) for job in range(size)))


def test_steps_go_with_the_flow_and_against_it() -> None:
    assert component(ring(6), [0], 0).jobs == {0}
    assert component(ring(6), [0], 1).jobs == {5, 0, 1}
    found = component(ring(6), [0], 1)
    assert found.datasets == {105, 100, 101, 102}
    assert sorted(found.edges) == sorted(edge for edge in ring(6).edges if edge[0] in found.jobs)


def test_a_walk_ends_where_there_is_no_more() -> None:
    store = ring(6)
    found = component(store, [0], 1000)
    assert (found.jobs, len(found.datasets)) == (set(range(6)), 6)
    assert len(found.edges) == len(set(found.edges)) == 12
    assert store.asked <= 2 * 4


def test_what_is_hidden_is_neither_met_nor_walked_through() -> None:
    chain = Store((1, 10, WRITTEN), (2, 10, READ), (2, 20, WRITTEN), (3, 20, READ))
    assert component(chain, [1], 9, {2}).jobs == {1}
    found = component(chain, [1], 9, {20})
    assert (found.jobs, found.datasets) == ({1, 2}, {10})
    assert component(chain, [1], 9, {1}).jobs == set()


def test_no_step_begins_with_more_jobs_than_allowed() -> None:
    hub = Store(
        *((job, 10, READ) for job in range(5)), *((job, 20 + job, WRITTEN) for job in range(5)), (9, 24, READ)
    )
    found = component(hub, [0], 9, most_jobs=3)
    assert found.jobs == set(range(5))
    assert component(hub, [0], 9).jobs == {*range(5), 9}
