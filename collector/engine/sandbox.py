"""Where templates run: Jinja's sandbox, in which they see data only and can make nothing large or endless.

Jinja's own sandbox keeps templates from Python's internals, but not from using up memory and time: a huge text may
come of ``*``, ``%``, ``~``, of methods of texts, filters and tests, already while a template is compiled. So this one
knows a list of what is allowed. The limits of loops are those of Prefect.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, Undefined, filters, nodes, pass_context, pass_environment, tests
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.visitor import NodeTransformer

MOST_RANGE: Final = 100
MOST_PASSES: Final = 10_000
"""Passes of all loops together, while one set of options is rendered."""

SECONDS: Final = 1.0
"""Of computing, for one set of options."""

LONGEST_TEXT: Final = 64 * 1024
MOST_PARTS: Final = 50_000
"""Values within one value, and characters of all its texts in units of 16."""

MOST_BITS: Final = 256
"""Of a whole number."""

BUDGET: Final = " budget"
"""In the context, under a name that no template can write."""

BOUNDED: Final = " bounded"
PASSES: Final = " passes"

LOOP: Final = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"}
)
"""What there is to know of a loop."""


class TooMuch(TemplateRuntimeError):
    """A template makes something too large, or takes too long."""


class Budget:
    """What the templates of one set of options may still use up."""

    def __init__(self) -> None:
        self._passes = MOST_PASSES
        # Of this thread only: a busy machine is not the template's fault.
        self._end = time.thread_time() + SECONDS

    def spend(self) -> None:
        """Count one pass of a loop; raises ``TooMuch``."""
        self._passes -= 1
        if self._passes < 0:
            raise TooMuch(f"loops pass more than {MOST_PASSES} times")
        self.check()

    def check(self) -> None:
        """Raise ``TooMuch`` if the time is over."""
        if time.thread_time() > self._end:
            raise TooMuch(f"it takes more than {SECONDS:g} s")


def bounded(value: Any) -> Any:
    """Give ``value`` if it is data of a size that is allowed; raises ``TooMuch``, or ``SecurityError``."""
    measure(value)
    return value


def measure(value: Any, left: int = MOST_PARTS) -> int:
    """Say how many of the parts that are ``left`` are left after ``value``; raises as ``bounded`` does.

    Parts that occur several times count each time: from few values that refer to each other, text of any length comes.
    """
    waiting = [value]
    while waiting:
        part = waiting.pop()
        left -= 1
        if isinstance(part, str):
            if len(part) > LONGEST_TEXT:
                raise TooMuch(f"a text is longer than {LONGEST_TEXT} characters")
            left -= len(part) // 16
        elif isinstance(part, list | tuple):
            waiting.extend(part)
        elif isinstance(part, int):
            if part.bit_length() > MOST_BITS:
                raise TooMuch("a number is too large")
        elif isinstance(part, dict | Mapping):
            left -= len(part)
            waiting.extend(part.values())
        elif part is not None and not isinstance(part, float | Undefined):
            raise SecurityError(f"{type(part).__name__} is no data; add |list if it is what a filter gave")
        if left < 0:
            raise TooMuch(f"a value has more than {MOST_PARTS} parts")
    return left


def plain(value: Any) -> Any:
    """Give what a template made, as JSON has it; raises ``UndefinedError`` for what is not there."""
    if isinstance(value, str | bool | None):
        return bounded(value)
    return json.loads(to_json(value))


def to_json(value: Any) -> str:
    """Write data as JSON; what is not there, and numbers that JSON does not have, are errors."""
    if isinstance(value, Iterator):
        value = list(value)
    return json.dumps(bounded(value), ensure_ascii=False, allow_nan=False, default=_missing)


def text_of(value: Any) -> str:
    """Give a value as it stands in a text: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else to_json(value)


def _missing(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)  # which raises what StrictUndefined says


# With the context, so that nothing is worked out while the template is compiled.
@pass_context
def _finalize(context: Context, value: Any) -> str:
    budget: Budget = context[BUDGET]
    budget.check()
    return text_of(value)


@pass_context
def _bounded(context: Context, value: Any) -> Any:
    budget: Budget = context[BUDGET]
    budget.check()
    return bounded(list(value) if isinstance(value, Iterator) else value)


@pass_context
def _passes(context: Context, value: Iterable[Any]) -> Iterator[Any]:
    budget: Budget = context[BUDGET]
    for each in value:
        budget.spend()
        yield bounded(each)


@pass_context
def _map(context: Context, values: Iterable[Any], *args: Any, **options: Any) -> Iterator[Any]:
    left = MOST_PARTS
    for each in filters.sync_do_map(context, values, *args, **options):
        left = measure(each, left)
        yield each


def _range(*given: int) -> list[int]:
    found = safe_range(*given)
    if len(found) > MOST_RANGE:
        raise TooMuch(f"range gives at most {MOST_RANGE} numbers")
    return list(found)


def _replace(text: str, old: str, new: str) -> str:
    grown = len(text) + text.count(old) * max(0, len(new) - len(old))
    if grown > LONGEST_TEXT:
        raise TooMuch(f"a text is longer than {LONGEST_TEXT} characters")
    return text.replace(old, new)


@pass_environment
def _join(
    environment: Environment, values: Iterable[Any], between: str = "", attribute: str | int | None = None
) -> str:
    if attribute is not None:
        values = map(filters.make_attrgetter(environment, attribute), values)
    parts: list[str] = []
    length = 0
    for each in values:
        parts.append(text_of(each))
        length += len(parts[-1]) + len(between)
        if length > LONGEST_TEXT:
            raise TooMuch(f"a text is longer than {LONGEST_TEXT} characters")
    return between.join(parts)


@pass_environment
def _sum(environment: Environment, values: Iterable[Any], attribute: str | int | None = None) -> Any:
    if attribute is not None:
        values = map(filters.make_attrgetter(environment, attribute), values)
    return sum(_number(each) for each in values)


def _round(value: float, digits: int = 0) -> float:
    rounded: float = round(_number(value), max(-15, min(15, digits)))
    return rounded


def _number(value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # raises what StrictUndefined has to say
    if not isinstance(value, int | float):
        raise TypeError(f"{type(value).__name__} where a number is wanted")
    return value


class Environment(ImmutableSandboxedEnvironment):
    """The sandbox. Values have parts by key and number, and nothing else; nothing but ``range`` can be called."""

    intercepted_binops = frozenset({"+", "*", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, finalize=_finalize, optimized=False, cache_size=0)
        self.globals = {"range": _range}
        self.filters = {**FILTERS, BOUNDED: _bounded, PASSES: _passes}
        self.tests = dict(TESTS)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Give a part by its name, also written with a dot."""
        if isinstance(obj, LoopContext) and attribute in LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Give a part by its key or number."""
        if isinstance(obj, Undefined):
            str(obj)  # raises what StrictUndefined has to say, which is about the part that is missing first
        within = isinstance(obj, Mapping) or (
            isinstance(obj, list | tuple | str) and isinstance(argument, int)
        )
        if within:
            try:
                return obj[argument]
            except LookupError:
                pass
        return self.undefined(obj=obj, name=argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Work out what could become large: only lists and texts are put together, all else is of numbers."""
        if operator == "+" and isinstance(left, str | list):
            bounded(left), bounded(right)
            return bounded(left + right)
        return bounded(super().call_binop(context, operator, _number(left), _number(right)))


class Bounding(NodeTransformer):
    """Puts bounds into a template: on whatever is bound to a name or built of several values, and on loops."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        """Count the passes."""
        self.generic_visit(node)
        node.iter = _through(PASSES, node.iter)
        return node

    def visit_Assign(self, node: nodes.Assign) -> nodes.Node:
        """Measure what gets a name."""
        self.generic_visit(node)
        node.node = _through(BOUNDED, node.node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        """Join by the filter, which measures."""
        self.generic_visit(node)
        return _through("join", nodes.List(node.nodes, lineno=node.lineno))

    def visit_List(self, node: nodes.List) -> nodes.Node:
        """Measure what is built."""
        self.generic_visit(node)
        return _through(BOUNDED, node)

    visit_Dict = visit_List

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        """Measure what is built, unless it says where values go."""
        self.generic_visit(node)
        return node if node.ctx == "store" else _through(BOUNDED, node)


def _through(name: str, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    name: filters.FILTERS[name]
    for name in (
        "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last", "length",
        "list", "lower", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort",
        "title", "trim", "unique", "upper",
    )
} | {
    "join": _join,
    "map": _map,
    "replace": _replace,
    "round": _round,
    "string": text_of,
    "sum": _sum,
    "tojson": to_json,
}  # fmt: skip
"""Those of Jinja's that give no more than they get, and some that are bounded here."""

ALL_TESTS: Final[Mapping[str, Any]] = tests.TESTS

TESTS: Final[Mapping[str, Callable[..., Any]]] = {
    name: ALL_TESTS[name]
    for name in (
        "!=", "<", "<=", "==", ">", ">=", "boolean", "defined", "eq", "equalto", "false", "float", "ge", "greaterthan",
        "gt", "in", "integer", "le", "lessthan", "lt", "mapping", "ne", "none", "number", "sequence", "string", "true",
        "undefined",
    )
}  # fmt: skip
"""Those of Jinja's that work nothing out."""
