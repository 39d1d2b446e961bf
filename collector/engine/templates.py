"""The options of actions: templates in their texts, filled in when a trigger fires.

Templates are Jinja's. A text that is one ``{{ expression }}`` and nothing else gives the value, be it a number, a list
or whatever; within a text, values other than texts are written as JSON. What is not there is an error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from jinja2 import Template, TemplateError, meta, nodes

from collector.engine.sandbox import (
    BUDGET,
    FILTERS,
    LONGEST_TEXT,
    TESTS,
    Bounding,
    Budget,
    Environment,
    TooMuch,
    plain,
)
from triggers.errors import RuleError, Step, dotted

VARIABLES: Final[Mapping[str, str]] = {
    "trigger": "the id of the trigger",
    "key": "what the join is about: a partition, an epoch, or empty",
    "key_start": "the time at which that partition or epoch begins, ISO 8601; null if the key is no time",
    "firing_id": "the id of the firing: a UUID, and the run id of its own OpenLineage run",
    "at": "when it fired, ISO 8601 UTC",
    "partial": "whether a deadline had it fire with what was there",
    "cause": "data, deadline or manual",
    "inputs": "by the id of each input: datasets (namespace, name), updates (dataset, run_id, job, event_time, "
    "received_at, partition, nominal_time, version, rows), the latest of these, and rows: their sum, null if none is "
    "known",
    "run": "the firing as the parent of what is started: id, namespace, name",
}
"""What the options of an action may name, and what it is."""

BLOCKED: Final[Mapping[str, str]] = {
    "trigger": VARIABLES["trigger"],
    "key": VARIABLES["key"],
    "key_start": VARIABLES["key_start"],
    "at": "when the update was held back, ISO 8601 UTC",
    "input": "the id of the input",
    "dataset": "the name of the dataset",
    "namespace": "the namespace of the dataset",
    "failed_assertions": "the assertions that failed: a list",
}
"""What the text of ``on_blocked`` may name, and what it is."""

LONGEST_TEMPLATE: Final = 8 * 1024
MOST_LOOPS: Final = 10
DEEPEST_LOOP: Final = 2
LARGEST_BODY: Final = 256 * 1024
"""Bytes of all options together, as JSON."""

ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign,
    nodes.Name, nodes.Const, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Slice,
    nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Concat, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div,
    nodes.FloorDiv, nodes.Mod,
)  # fmt: skip
"""What templates consist of; macros, blocks, imports, calls of methods and powers are not among it."""

ERRORS: Final = (
    TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError, MemoryError,
    SyntaxError,
)  # fmt: skip
"""What templates can end in."""

RESULT: Final = "_result"
"""What a single expression is assigned to; no variable is called so."""

ENVIRONMENT: Final = Environment()


class TemplateFailed(Exception):
    """A template could not be filled in; the text says which, and why."""


class _Compiled(NamedTuple):
    template: Template
    native: bool
    """It gives a value, not a text."""


def render(options: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Give ``options`` with all templates in them filled in. Keys are left as they are.

    ``context`` is plain data under the names of ``VARIABLES``, or of ``BLOCKED``.

    Raises:
        TemplateFailed: a template names what is not there, makes too much, or cannot be worked out.
    """
    budget = Budget()

    def filled(value: Any, path: tuple[Step, ...]) -> Any:
        if isinstance(value, Mapping):
            return {key: filled(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [filled(each, (*path, number)) for number, each in enumerate(value)]
        if not isinstance(value, str) or not is_template(value):
            return value
        try:
            return _fill(value, context, budget)
        except ERRORS as error:
            raise TemplateFailed(f"{dotted(path).removeprefix('.')}: {_said(error)}") from error

    rendered = {key: filled(value, (key,)) for key, value in options.items()}
    try:
        size = len(json.dumps(rendered, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise TemplateFailed("a text has half of a character") from error
    if size > LARGEST_BODY:
        raise TemplateFailed(f"the options are larger than {LARGEST_BODY} bytes")
    return rendered


def check(options: Mapping[str, Any], known: Collection[str] = VARIABLES) -> None:
    """See that all templates in ``options`` can be read, name only what is ``known``, and keep to the limits.

    Raises:
        RuleError: one cannot, with the path to it.
    """
    for path, text in _texts(options, ()):
        try:
            _check(text, known)
        except ERRORS as error:
            raise RuleError(_said(error), *path) from error


def is_template(text: str) -> bool:
    """Tell whether there is anything to fill in."""
    return "{{" in text or "{%" in text or "{#" in text


def _texts(value: Any, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Give all templates in options, with where they stand."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(key, str) and is_template(key):
                raise RuleError("a template in a key is not filled in", *path, key)
            yield from _texts(each, (*path, key))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _texts(each, (*path, number))
    elif isinstance(value, str) and is_template(value):
        yield path, value


def _check(text: str, known: Collection[str]) -> None:
    tree = _read(text)
    _compiled(text)
    named = meta.find_undeclared_variables(tree) - {"range"}
    if strange := sorted(named.difference(known)):
        raise ValueError(f"there is no variable {strange[0]}; there are {', '.join(sorted(known))}")


def _fill(text: str, context: Mapping[str, Any], budget: Budget) -> Any:
    budget.check()
    template, native = _compiled(text)
    variables = {**context, BUDGET: budget}
    if native:
        within = template.new_context(variables)
        for _ in template.root_render_func(within):
            pass
        return plain(within.vars[RESULT])
    parts: list[str] = []
    length = 0
    for part in template.generate(variables):
        parts.append(part)
        length += len(part.encode())
        if length > LONGEST_TEXT:
            raise TooMuch(f"the text is longer than {LONGEST_TEXT} bytes")
    return "".join(parts)


@lru_cache(maxsize=4096)
def _compiled(text: str) -> _Compiled:
    tree = _read(text)
    expression = _only_expression(tree)
    if expression is not None:
        name = nodes.Name(RESULT, "store", lineno=1)
        tree.body = [nodes.Assign(name, expression, lineno=1)]
    bounding: nodes.Template = Bounding().visit(tree)
    bounding.set_environment(ENVIRONMENT)
    return _Compiled(ENVIRONMENT.from_string(bounding), expression is not None)


def _read(text: str) -> nodes.Template:
    """Parse a template; raises one of ``ERRORS`` for whatever must not stand in it."""
    if len(text) > LONGEST_TEMPLATE:
        raise TooMuch(f"a template has at most {LONGEST_TEMPLATE} characters")
    tree = ENVIRONMENT.parse(text)
    loops = 0
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        _allow(node)
        if isinstance(node, nodes.For):
            loops += 1
            depth += 1
            if loops > MOST_LOOPS or depth > DEEPEST_LOOP:
                raise TooMuch(f"a template has at most {MOST_LOOPS} loops, {DEEPEST_LOOP} within each other")
        waiting.extend((each, depth) for each in node.iter_child_nodes())
    return tree


def _allow(node: nodes.Node) -> None:
    if isinstance(node, nodes.Call) and not (isinstance(node.node, nodes.Name) and node.node.name == "range"):
        raise TypeError("only range can be called; filters do the rest, as in {{ inputs|items|list }}")
    if not isinstance(node, ALLOWED) or (isinstance(node, nodes.For) and node.recursive):
        raise TypeError(f"{type(node).__name__} cannot be used here")
    if isinstance(node, nodes.Const) and isinstance(node.value, float) and not math.isfinite(node.value):
        raise ValueError("a number is too large")
    if isinstance(node, nodes.Name) and node.name == "self":
        raise LookupError("there is no variable self")  # to Jinja there always is
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise LookupError(f"there is no filter {node.name}; there are {', '.join(sorted(FILTERS))}")
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise LookupError(f"there is no test {node.name}; there are {', '.join(sorted(TESTS))}")


def _only_expression(tree: nodes.Template) -> nodes.Expr | None:
    match tree.body:
        case [nodes.Output(nodes=[expression])] if not isinstance(expression, nodes.TemplateData):
            return expression
    return None


def _said(error: BaseException) -> str:
    if isinstance(error, RecursionError | MemoryError):
        return "the template is nested too deeply"
    said = str(error) or type(error).__name__
    # It may quote what no database keeps.
    return said.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
