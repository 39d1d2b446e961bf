"""Templates in rules: what is wrong with them is told when the rules are read, not when something fires."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from jinja2 import nodes

from collector.engine.templates import BLOCKED, ENVIRONMENT, check, is_template
from triggers.action_options import COMMON
from triggers.errors import RuleError, Step
from triggers.parts import part
from triggers.trigger_documents import input_ids

TEXT: Final = "text"

INPUTS: Final = nodes.Name("inputs", "load")


def faults(document: Mapping[str, Any]) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Give the places where a template of a document, its shape checked already, cannot be filled in, and why not."""
    for number, trigger in enumerate(document.get("triggers", ())):
        path = ("triggers", number)
        for place, action in enumerate(trigger.get("do", ())):
            options = {name: given for name, given in action.items() if name not in COMMON}
            try:
                check(options)
                _check_inputs(options, input_ids(trigger))
            except RuleError as error:
                yield (*path, "do", place, *error.path), str(error)
        blocked = trigger.get("on_blocked", {})
        try:
            check({name: given for name, given in blocked.items() if name == TEXT}, BLOCKED)
        except RuleError as error:
            yield (*path, "on_blocked", *error.path), str(error)


def _check_inputs(value: Any, known: Collection[str]) -> None:
    """Raise RuleError where a template, which can be read, names an input that there is not."""
    if isinstance(value, str):
        for name in _inputs(value) if is_template(value) else ():
            if name not in known:
                raise RuleError(f"there is no input {name!r}, only {', '.join(known)}")
    elif isinstance(value, Mapping | list):
        for step, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            part(step, lambda given: _check_inputs(given, known), inner)


@lru_cache(maxsize=1024)
def _inputs(text: str) -> tuple[str, ...]:
    """Give the inputs that a template names outright: ``inputs.orders``, ``inputs['orders']``."""
    tree = ENVIRONMENT.parse(text)
    named = [(each.node, each.attr) for each in tree.find_all(nodes.Getattr)]
    named += [
        (each.node, each.arg.value)
        for each in tree.find_all(nodes.Getitem)
        if isinstance(each.arg, nodes.Const) and isinstance(each.arg.value, str)
    ]
    return tuple(name for whose, name in named if whose == INPUTS)
