"""Whom a change of some columns reaches."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx

from lineage.impact import Affected, Known, verdicts
from lineage.topology import digraph
from lineage.traverse import Link, Node


def _id(name: str) -> str:
    return f"{'job' if name.isupper() else 'dataset'}:ns:{name}"


def downstream(*chains: str) -> nx.DiGraph[str]:
    """Make a graph of chains of datasets and, in capitals, jobs: ``a J b``."""
    words = [chain.split() for chain in chains]
    names = sorted({name for chain in words for name in chain})
    return digraph(
        [Node("job" if name.isupper() else "dataset", "ns", name, 0) for name in names],
        [Link(_id(one), _id(other), "data", ()) for chain in words for one, other in pairwise(chain)],
    )


def judged(
    graph: nx.DiGraph[str], reached: dict[str, list[str]], through: str = "", told: tuple[str, ...] = ()
) -> dict[str, str]:
    """Tell of each node whether it is affected by a change of ``a``; ``told`` are pairs such as ``J b``."""
    known = Known(
        [_id("a")],
        {_id(name): columns for name, columns in reached.items()},
        {_id(name) for name in through.split()},
        {(_id(pair.split()[0]), _id(pair.split()[1])) for pair in told},
    )
    return {node.rpartition(":")[2]: found.affected.value for node, found in verdicts(graph, known).items()}


def test_a_consumer_of_other_columns_is_not_affected_and_so_is_nobody_behind_it() -> None:
    graph = downstream("a READS b NEXT c", "a OTHER d LAST e")
    assert judged(
        graph, {"b": ["x"], "c": ["y"]}, "READS NEXT", ("READS b", "NEXT c", "OTHER d", "LAST e")
    ) == {
        "a": "yes",
        "READS": "yes",
        "b": "yes",
        "NEXT": "yes",
        "c": "yes",
        "OTHER": "no",
        "d": "no",
        "LAST": "no",
        "e": "no",
    }


def test_what_tells_no_columns_is_unknown_and_so_is_all_behind_it() -> None:
    found = judged(downstream("a J b K c"), {}, told=("K c",))
    assert found == {"a": "yes", "J": "unknown", "b": "unknown", "K": "unknown", "c": "unknown"}


def test_a_consumer_that_writes_nothing_is_unknown() -> None:
    assert judged(downstream("a EXPORT"), {})["EXPORT"] == "unknown"


def test_a_job_may_make_one_dataset_of_the_column_and_another_of_others() -> None:
    found = judged(downstream("a J b", "J c", "J d"), {"b": ["x"]}, "J", ("J b", "J c"))
    assert (found["J"], found["b"], found["c"], found["d"]) == ("yes", "yes", "no", "unknown")


def test_what_another_job_surely_writes_stays_sure() -> None:
    found = judged(downstream("a J b", "a K b"), {"b": ["x"]}, "J", ("J b",))
    assert (found["b"], found["K"]) == ("yes", "unknown")


def test_cycles_end() -> None:
    assert judged(downstream("a J b K a"), {})["K"] == "unknown"


def test_the_reason_is_told() -> None:
    graph = downstream("a J b", "a K c L d", "a M", "a READS e", "a READS f")
    known = Known(
        [_id("a")],
        {_id("e"): ["x", "y"], _id("f"): []},
        {_id("READS")},
        {(_id("J"), _id("b")), (_id("READS"), _id("e")), (_id("READS"), _id("f"))},
    )
    why = {node.rpartition(":")[2]: found.why for node, found in verdicts(graph, known).items()}
    assert why == {
        "a": "It is what changes.",
        "J": "It uses only other columns of a.",
        "b": "Everything on the way to it uses only other columns.",
        "K": "It does not say from which columns it makes c.",
        "c": "It is not known whether K is affected, from which it follows.",
        "L": "It is not known whether c is affected, from which it follows.",
        "d": "It is not known whether L is affected, from which it follows.",
        "M": "It writes nothing that would tell which columns of a it reads.",
        "READS": "What it writes is derived from what changes.",
        "e": "Derived: x, y.",
        "f": "All of it is derived.",
    }
    assert verdicts(graph, known)[_id("e")].affected is Affected.YES
