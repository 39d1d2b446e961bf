"""How good suggestions are, and what they cost: on made-up stacks, and on many more names.

Run it as ``python -m tests.benchmarks.stitch``. Seeds, and numbers of copies of a stack, may be given.
"""

from __future__ import annotations

import argparse
import resource
import time

from collector.storage.stitch import MOST_COMPARED
from lineage.model import DatasetRef
from lineage.stitch import Candidate, promising, suggest
from tests.stitch_stack import Stack, candidates, make, measure


def main() -> None:
    """Print a line a stack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5])
    parser.add_argument("--copies", type=int, nargs="*", default=[1, 10, 65])
    given = parser.parse_args()
    print(
        f"{'seed':>4} {'tables':>6} {'names':>6} {'pairs':>5} {'first 50':>8} {'precision':>9} {'recall':>6} {'s':>6}"
    )
    for seed in given.seeds:
        stack = make(seed)
        known = stack.candidates
        started = time.perf_counter()
        found = suggest(known)
        took = time.perf_counter() - started
        quality = measure(found, stack.meant, known)
        tables = len({table for table in stack.meant.values() if table is not None})
        print(
            f"{seed:4} {tables:6} {len(known):6} {quality.suggestions:5} {quality.precision_first:8.3f} "
            f"{quality.precision:9.3f} {quality.recall:6.3f} {took:6.3f}"
        )
    print("\n  names compared  pairs  look s suggest s peak MB")
    for number in given.copies:
        known = copies(make(1), number)
        started = time.perf_counter()
        compared, left_out = promising(((each.ref, each.set_id) for each in known), MOST_COMPARED)
        looked = time.perf_counter() - started
        started = time.perf_counter()
        skipped = set(left_out)
        found = suggest(each for position, each in enumerate(known) if position not in skipped)
        took = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{len(known):7} {len(compared):8} {len(found):6} {looked:7.2f} {took:9.2f} {peak:7.0f}")


def copies(stack: Stack, number: int) -> list[Candidate]:
    """Give a stack many times, each time with tables of other names on other servers."""
    facts = {}
    for copy in range(number):
        for ref, known in stack.facts.items():
            namespace = ref.namespace.replace("://", f"://c{copy}-", 1)
            if namespace == ref.namespace:
                namespace = f"c{copy}-{namespace}"
            facts[DatasetRef(namespace, f"{ref.name}_{copy}")] = known
    return candidates(facts)


if __name__ == "__main__":
    main()
