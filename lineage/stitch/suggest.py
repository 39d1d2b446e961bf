"""Suggestions: pairs of names that are probably one dataset, ranked, with the rules that would join them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from lineage.identity import Exact, Host, Prefix, Rule
from lineage.model import DatasetRef
from lineage.stitch.clusters import Clusters
from lineage.stitch.contexts import Candidate, Context, Entry, Last, alike, contexts_of, same_server
from lineage.stitch.evidence import Evidence, Kind, confidence, sufficient, unlike
from lineage.stitch.mappings import Dismissed, Mapping, difference, evaluate, of_names, of_pair
from lineage.stitch.names import Servers


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two names that are probably one dataset."""

    one: DatasetRef
    other: DatasetRef
    """The name that the rule leads to, where one rule is enough."""
    sets: frozenset[int]
    confidence: float
    evidence: tuple[Evidence, ...]
    rules: tuple[Rule, ...]
    """Together they join the two; mostly one. Two lead both names to a third."""
    joins: int
    """Suggestions, this one included, that the rules account for."""

    @property
    def exact(self) -> Exact:
        """The rule that joins these two names and nothing else."""
        return Exact(*self.one, *self.other)


def suggest(
    candidates: Iterable[Candidate], dismissed: Dismissed = frozenset(), standing: Iterable[Rule] = ()
) -> list[Suggestion]:
    """Give the suggestions, the best first.

    ``dismissed`` pairs of sets are not suggested, nor is what ``standing`` rules will join.
    """
    contexts = contexts_of(candidates)
    mappings = {
        pair: mapping
        for pair in alike(contexts)
        if (mapping := evaluate(contexts[pair[0]], contexts[pair[1]], dismissed)) is not None
    }
    clusters = Clusters(contexts, mappings)
    best: dict[frozenset[int], _Found] = {}
    for members in clusters.join():
        cluster = _Cluster(contexts, members, clusters.doubtful, dismissed)
        for found in cluster.pairs():
            _keep(best, found)
    for context in contexts:
        for found in _case_pairs(context, dismissed):
            _keep(best, found)
    stands = set(standing)
    left = [found for found in best.values() if not stands.issuperset(found.rules)]
    counted = Counter(rule for found in left for rule in found.rules)
    suggestions = [
        Suggestion(
            found.one.ref,
            found.other.ref,
            found.sets,
            confidence(found.points),
            tuple(sorted(found.evidence, key=lambda piece: -piece.weight)),
            found.rules,
            min(counted[rule] for rule in found.rules),
        )
        for found in left
    ]
    return sorted(suggestions, key=lambda each: (-each.confidence, each.other, each.one))


@dataclass(slots=True)
class _Found:
    one: Entry
    other: Entry
    evidence: list[Evidence]
    rules: tuple[Rule, ...]

    @property
    def sets(self) -> frozenset[int]:
        return frozenset((self.one.set_id, self.other.set_id))

    @property
    def points(self) -> float:
        return sum(piece.weight for piece in self.evidence)


def _keep(best: dict[frozenset[int], _Found], found: _Found) -> None:
    known = best.get(found.sets)
    if known is None or known.points < found.points:
        best[found.sets] = found


class _Cluster:
    """The contexts of one database. Their names are led to those of the context that says most of where it is."""

    def __init__(
        self,
        contexts: list[Context],
        members: list[int],
        doubtful: dict[int, Evidence],
        dismissed: Dismissed,
    ) -> None:
        members = sorted(members, key=lambda position: contexts[position].standing)
        self._contexts = [contexts[position] for position in members]
        self._doubts = {
            id(contexts[position]): doubtful[position] for position in members if position in doubtful
        }
        self._dismissed = dismissed
        self._mappings: dict[tuple[int, int], Mapping | None] = {}

    def pairs(self) -> Iterator[_Found]:
        """Give for each table its datasets, in pairs that together connect them all."""
        tables: dict[Last, list[tuple[Context, Entry]]] = {}
        for context in self._contexts:
            for last, entries in context.entries.items():
                tables.setdefault(last, []).extend((context, entry) for entry in entries)
        for last, named in tables.items():
            firsts: dict[int, tuple[Context, Entry]] = {}
            for context, entry in named:
                firsts.setdefault(entry.set_id, (context, entry))
            (center, target), *others = firsts.values()
            for context, entry in others:
                found = self._found(last, context, entry, center, target)
                if found is not None:
                    yield found

    def _found(
        self, last: Last, context: Context, entry: Entry, center: Context, target: Entry
    ) -> _Found | None:
        if frozenset((entry.set_id, target.set_id)) in self._dismissed or unlike(entry.facts, target.facts):
            return None
        mapping = self._mapping(context, center)
        if mapping is None:
            return None
        doubts = [self._doubts[id(each)] for each in (context, center) if id(each) in self._doubts]
        evidence = [
            of_names(last, context, center),
            *of_pair(entry, target),
            *mapping.evidence,
            *doubts[:1],
        ]
        if not sufficient(evidence):
            return None
        hub = self._contexts[0]
        rules: tuple[Rule, ...] = (self._rule(context, entry, center, target),)
        if center is not hub and isinstance(rules[0], Prefix):
            # The best name does not exist for this table: both are led to what it would be.
            led = [self._led(each, hub) for each in (context, center)]
            if all(led):
                rules = tuple(rule for rule in led if rule is not None)
        return _Found(entry, target, evidence, rules)

    def _rule(self, context: Context, entry: Entry, center: Context, target: Entry) -> Rule:
        mapping = self._mapping(context, center)
        prefixes = difference(entry, target)
        if mapping is None or mapping.broken or prefixes is None or prefixes != mapping.prefixes:
            return Exact(*entry.ref, *target.ref)
        if prefixes.one == prefixes.other and same_server(context, center) in (
            Servers.LOOPBACK,
            Servers.SHORT,
        ):
            return Host((str(context.place.host),), str(center.place.host))
        return Prefix(entry.ref.namespace, target.ref.namespace, prefixes.one, prefixes.other)

    def _led(self, context: Context, hub: Context) -> Rule | None:
        """Give the rule that leads the names of a context to those of another, known from tables that both have."""
        mapping = self._mapping(context, hub)
        if mapping is None or mapping.broken or not mapping.pairs:
            return None
        _, entry, target = mapping.pairs[0]
        rule = self._rule(context, entry, hub, target)
        return None if isinstance(rule, Exact) else rule

    def _mapping(self, one: Context, other: Context) -> Mapping | None:
        key = (id(one), id(other))
        if key not in self._mappings:
            self._mappings[key] = evaluate(one, other, self._dismissed)
        return self._mappings[key]


def _case_pairs(context: Context, dismissed: Dismissed) -> Iterator[_Found]:
    """Give the names of one context that differ in letter case only.

    Case may mean something, so there must be other evidence. Where tables have two spellings throughout, that is some.
    """
    several = [(last, entries) for last, entries in context.entries.items() if len(entries) > 1]
    for last, entries in several:
        for first, second in combinations(sorted(entries, key=lambda entry: entry.ref), 2):
            if frozenset((first.set_id, second.set_id)) in dismissed or unlike(first.facts, second.facts):
                continue
            words = f"letter case aside, both are {context.lead}{'.'.join(part for part in last if part)}"
            evidence = [Evidence(Kind.CASE, words, 0.7), *of_pair(first, second)]
            if len(several) > 1:
                words = f"{len(several)} tables of the namespace are spelled in two ways"
                evidence.append(Evidence(Kind.MAPPING, words, 0.4))
            if sufficient(evidence):
                yield _Found(first, second, evidence, (Exact(*first.ref, *second.ref),))
