"""Which names are one dataset, and which of them stands for it.

Names that belong together come in pairs, each with its reason: events tell of symlinks and renames, ``naming`` knows
the normal form, people write rules. Sets are what pairs connect, whatever their direction, order or number. All here
is a function of the names, the pairs and the rules alone; so a pair that comes late joins what is there, and one that
is taken back parts it again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import networkx as nx

from lineage.model import DatasetRef, Reason
from lineage.naming import normal

MOST_NAMES: Final = 20
"""Names that rules can give one dataset: rules apply to what rules have made, and two may feed each other forever."""

LONGEST: Final = 10_000
"""Letters of a name that rules can make: one that doubles a name would soon need all memory."""

_UNREADABLE = (re.error, OverflowError, RecursionError)
_AUTHORITY = re.compile(
    r"(?P<before>[A-Za-z][A-Za-z0-9+.\-]*://(?:[^/@]*@)?)(?P<host>[^/:@\[\]]+|\[[^/@\]]*\])(?P<port>:\d+)?(?P<path>/.*)?",
    re.DOTALL,
)
_REFERENCE = re.compile(r"\\(?:g<(?P<name>\w+)>|(?P<number>\d+)|(?P<other>.?))", re.DOTALL)
_BETWEEN = "\0"
"""Stands between namespace and name where one pattern reads both; it occurs in neither."""


class RuleError(ValueError):
    """A rule means nothing. ``field`` is the part of it that is wrong."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Exact:
    """One name is another."""

    namespace: str
    name: str
    to_namespace: str
    to_name: str

    def __str__(self) -> str:
        return f"exact {self.namespace}:{self.name} is {self.to_namespace}:{self.to_name}"


@dataclass(frozen=True, slots=True)
class Prefix:
    """Names of one namespace that begin with ``name`` are in another, where they begin with ``to_name``."""

    namespace: str
    to_namespace: str
    name: str = ""
    to_name: str = ""

    def __str__(self) -> str:
        return f"prefix {self.namespace}:{self.name}* is {self.to_namespace}:{self.to_name}*"


@dataclass(frozen=True, slots=True)
class Regex:
    r"""Names that two regular expressions match in full are what two templates (``\1``, ``\g<word>``) make of them.

    Groups are counted through both expressions, and either template may use all of them.

    Raises:
        RuleError: an expression cannot be read, or a template names a group that is not there.
    """

    namespace: str
    name: str
    to_namespace: str
    to_name: str

    def __post_init__(self) -> None:
        for field in ("namespace", "name"):
            try:
                re.compile(getattr(self, field))
            except _UNREADABLE as error:
                raise RuleError(field, f"Not a regular expression: {error}.") from error
        try:
            pattern = self.pattern()
        except _UNREADABLE as error:
            raise RuleError(
                "name", f"Together with the namespace's no regular expression: {error}."
            ) from error
        for field in ("to_namespace", "to_name"):
            for found in _REFERENCE.finditer(getattr(self, field)):
                name, number, other = found.groups()
                if other not in (None, "\\"):
                    raise RuleError(
                        field, r"A backslash stands before a number, g<word> or another backslash."
                    )
                known = name in pattern.groupindex or (name or number or "0").isdecimal()
                if not known or int(number or (name if name and name.isdecimal() else 0)) > pattern.groups:
                    raise RuleError(field, f"There is no group {name or number}.")

    def __str__(self) -> str:
        return f"regex {self.namespace}:{self.name} is {self.to_namespace}:{self.to_name}"

    def pattern(self) -> re.Pattern[str]:
        """Give the expression for namespace and name together."""
        return re.compile(f"(?:{self.namespace}){_BETWEEN}(?:{self.name})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Host:
    """Some hosts, each with a port or without, are another, in every namespace that has a host."""

    names: tuple[str, ...]
    to: str

    def __str__(self) -> str:
        return f"host {', '.join(self.names)} is {self.to}"


Rule = Exact | Prefix | Regex | Host

FORMS: Final[Mapping[str, type[Rule]]] = {"exact": Exact, "prefix": Prefix, "regex": Regex, "host": Host}


def rule_of(body: Mapping[str, Any]) -> Rule:
    """Read a rule as documents write it: ``{"prefix": {"namespace": …, "to_namespace": …}}``, checked already.

    Raises:
        RuleError: as the rule's class.
    """
    form = next(form for form in FORMS if form in body)
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in body[form].items()
    }
    return FORMS[form](**values)


class Pair(NamedTuple):
    """Two names of one dataset, by id, and why. Of a RENAME ``other_id`` is the name before; of a rule, its target."""

    dataset_id: int
    other_id: int
    reason: str


class OtherName(NamedTuple):
    """A name that a dataset has besides the one that it was given, and why, for people."""

    ref: DatasetRef
    reason: Reason
    detail: str


class Rules:
    """Rules, ready to be applied. Their order means nothing: every one that fits counts."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._exact: dict[DatasetRef, list[Exact]] = {}
        self._prefixes: dict[str, list[Prefix]] = {}
        self._hosts: dict[str, list[Host]] = {}
        self._regexes: list[tuple[re.Pattern[str], Regex]] = []
        self._places: list[re.Pattern[str]] = []
        for rule in rules:
            match rule:
                case Exact():
                    # Whoever writes a rule need not know the normal form.
                    ref = DatasetRef(rule.namespace, rule.name)
                    for key in {ref, normal(ref)[0]}:
                        self._exact.setdefault(key, []).append(rule)
                case Prefix():
                    place = normal(DatasetRef(rule.namespace, ""))[0].namespace
                    for namespace in {rule.namespace, place}:
                        self._prefixes.setdefault(namespace, []).append(rule)
                case Host():
                    for name in rule.names:
                        self._hosts.setdefault(name.lower(), []).append(rule)
                case Regex():
                    self._regexes.append((rule.pattern(), rule))
                    self._places.append(re.compile(rule.namespace, re.DOTALL))
        self.exact_ids = frozenset(ref.id for ref in self._exact)
        """Ids of the single names that rules are about."""

    def cover(self, namespace: str) -> bool:
        """Tell whether any rule may be about names of a namespace, the exact ones aside."""
        return any(
            place in self._prefixes
            or any(True for _ in self._moved(place))
            or any(pattern.fullmatch(place) for pattern in self._places)
            for place in {namespace, normal(DatasetRef(namespace, ""))[0].namespace}
        )

    def apply(self, ref: DatasetRef) -> list[tuple[DatasetRef, str]]:
        """Give what the rules make of a name, each with the rule in words."""
        found = [
            (DatasetRef(exact.to_namespace, exact.to_name), str(exact)) for exact in self._exact.get(ref, ())
        ]
        for prefix in self._prefixes.get(ref.namespace, ()):
            if ref.name.startswith(prefix.name):
                rest = ref.name[len(prefix.name) :]
                found.append((DatasetRef(prefix.to_namespace, prefix.to_name + rest), str(prefix)))
        for namespace, host in self._moved(ref.namespace):
            found.append((DatasetRef(namespace, ref.name), str(host)))
        for pattern, regex in self._regexes:
            if match := pattern.fullmatch(f"{ref.namespace}{_BETWEEN}{ref.name}"):
                target = DatasetRef(_expand(match, regex.to_namespace), _expand(match, regex.to_name))
                found.append((target, str(regex)))
        return found

    def _moved(self, namespace: str) -> Iterator[tuple[str, Host]]:
        """Give the namespace with the hosts that its own is."""
        if self._hosts and (place := _AUTHORITY.fullmatch(namespace)):
            before, host, port, path = place.groups(default="")
            for name, rest in ((host + port, ""), (host, port)) if port else ((host, ""),):
                for rule in self._hosts.get(name.lower(), ()):
                    yield f"{before}{rule.to}{rest}{path}", rule

    def other_names(self, ref: DatasetRef) -> list[OtherName]:
        """Give the normal form of a name, where it differs, and all that rules make of either, in normal form.

        At most ``MOST_NAMES``, and none that is longer than ``LONGEST``, in either part.
        """
        form, change = normal(ref)
        found = {ref: OtherName(ref, Reason.NORMAL, "")}
        if change is not None:
            found[form] = OtherName(form, Reason.NORMAL, change)
        # Grows while it is read: rules apply to what rules have made.
        todo = list(found)
        for current in todo:
            for target, detail in self.apply(current):
                target, _ = normal(target)
                if max(map(len, target)) > LONGEST:
                    continue
                if target not in found and len(found) <= MOST_NAMES:
                    found[target] = OtherName(target, Reason.RULE, detail)
                    todo.append(target)
        return list(found.values())[1:]


def _expand(match: re.Match[str], template: str) -> str:
    def value(reference: re.Match[str]) -> str:
        name, number, _ = reference.groups()
        key = name or number
        if key is None:
            return "\\"
        return match[int(key) if key.isdecimal() else key] or ""

    return _REFERENCE.sub(value, template)


def canonical_ids(names: Mapping[int, DatasetRef], pairs: Collection[Pair]) -> dict[int, int]:
    """Choose, of each set of names, the one that stands for all of them; give it for every name, by id.

    ``names`` are the stored names, ``pairs`` all pairs that have one of them. A pair may lead to a name that nobody
    has stored: it joins, but cannot be chosen. The first of these decides: the end of a rule; not the name before a
    rename; a name in its normal form; not a path, as a table's name says more; one that was sent with others as its
    symlinks; the smallest. But for a rename, nothing that is added makes a name worse.
    """
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(names)
    graph.add_edges_from((pair.dataset_id, pair.other_id) for pair in pairs)
    by_rule = {pair.other_id for pair in pairs if pair.reason == Reason.RULE}
    ruled = {pair.dataset_id for pair in pairs if pair.reason == Reason.RULE}
    renamed = {pair.other_id for pair in pairs if pair.reason == Reason.RENAME}
    odd = {pair.dataset_id for pair in pairs if pair.reason == Reason.NORMAL}
    teller = {pair.dataset_id for pair in pairs if pair.reason == Reason.SYMLINK}

    def rank(id_: int) -> tuple[bool, bool, bool, bool, bool, bool, DatasetRef]:
        ref = names[id_]
        facts = (
            id_ not in by_rule,
            id_ in ruled,
            id_ in renamed,
            id_ in odd,
            "/" in ref.name,
            id_ not in teller,
        )
        return (*facts, ref)

    found: dict[int, int] = {}
    for component in nx.connected_components(graph):
        members = [id_ for id_ in component if id_ in names]
        if members:
            chosen = min(members, key=rank)
            found.update(dict.fromkeys(members, chosen))
    return found
