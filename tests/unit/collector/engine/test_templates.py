"""The options of actions: what templates give, what is refused when rules are read, and what no template can do."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.engine.templates import BLOCKED, TemplateFailed, check, render
from triggers.errors import RuleError

ORDERS: dict[str, Any] = {
    "datasets": [{"namespace": "pg", "name": "shop.orders"}, {"namespace": "pg", "name": "shop.lines"}],
    "updates": [{"run_id": "r1", "rows": 10}, {"run_id": "r2", "rows": 32}],
    "rows": 42,
    "latest": {"run_id": "r2", "rows": 32},
}
CONTEXT: dict[str, Any] = {
    "trigger": "finance",
    "key": "2026-11-20",
    "key_start": "2026-11-20T00:00:00+00:00",
    "partial": False,
    "cause": "data",
    "inputs": {
        "orders": ORDERS,
        "fx": {"datasets": [], "updates": [], "rows": None, "latest": None},
    },
    "failed_assertions": [],
}


def one(text: str) -> Any:
    return render({"option": text}, CONTEXT)["option"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ key }}", "2026-11-20"),
        ("{{ partial }}", False),
        ("{{ inputs.orders.rows }}", 42),
        ("{{ inputs.orders.rows / 4 }}", 10.5),
        ("{{ inputs.fx.rows }}", None),
        ("{{ inputs.orders.updates | map(attribute='run_id') | list }}", ["r1", "r2"]),
        ("{{ inputs.orders.updates | map(attribute='rows') }}", [10, 32]),
        ("{{ inputs.orders.latest }}", {"run_id": "r2", "rows": 32}),
        ("{{ inputs['orders']['datasets'][1].name[:4] }}", "shop"),
        ("{{ inputs.fx.latest.rows | default(0) }}", 0),
        ("{{ inputs.fx.latest }}\n", None),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ {'a': [key]} }}", {"a": ["2026-11-20"]}),
        ("{{ 'late' if partial else 'complete' }}", "complete"),
    ],
)
def test_an_expression_alone_gives_the_value(text: str, expected: Any) -> None:
    found = one(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("day {{ key }}", "day 2026-11-20"),
        ("partial: {{ partial }}, rows: {{ inputs.fx.rows }}", "partial: false, rows: null"),
        (" {{ inputs.orders.rows }}", " 42"),
        ("{{ key }}{{ inputs.orders.rows }}", "2026-11-2042"),
        ("of {{ inputs.orders.latest }}", 'of {"run_id": "r2", "rows": 32}'),
        ("{% for id, each in inputs | items %}{{ loop.index }}:{{ id }} {% endfor %}", "1:orders 2:fx "),
        ("{% set n = inputs.orders.rows %}{{ n * 2 }}", "84"),
        ("{{ inputs.orders.datasets | join(', ', attribute='name') }}!", "shop.orders, shop.lines!"),
        ("{{ key ~ '/' ~ inputs.orders.rows }}.", "2026-11-20/42."),
        ("{{ key | replace('-', '') }}.", "20261120."),
        ("{% raw %}{{ key }}{% endraw %}", "{{ key }}"),
        ("Held: {{ failed_assertions | length }} assertion(s)", "Held: 0 assertion(s)"),
        ("no template } {", "no template } {"),
    ],
)
def test_a_text_with_templates_stays_a_text(text: str, expected: str) -> None:
    assert one(text) == expected


def test_all_texts_are_filled_in_however_deep_and_nothing_else_is_touched() -> None:
    options = {"conf": {"days": ["{{ key }}", {"rows": "{{ inputs.orders.rows }}"}], "n": 3}, "dag": "x"}
    assert render(options, CONTEXT) == {"conf": {"days": ["2026-11-20", {"rows": 42}], "n": 3}, "dag": "x"}
    assert options["conf"]["days"][0] == "{{ key }}"  # type: ignore[index]  # the types of the parts differ


def test_a_template_in_json_gives_json() -> None:
    assert json.loads(one("x {{ inputs | tojson }}")[2:]) == CONTEXT["inputs"]


def test_what_is_missing_is_named_with_the_place_of_the_option() -> None:
    with pytest.raises(TemplateFailed, match=r"^conf\.a\[0\]: .*has no attribute 'gone'"):
        render({"conf": {"a": ["{{ inputs.gone.rows }}"]}}, CONTEXT)
    with pytest.raises(TemplateFailed, match="has no attribute 'rows'"):
        render({"text": "rows: {{ inputs.fx.latest.rows }}"}, CONTEXT)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ key", "unexpected end"),
        ("{{ day }}", "no variable day; there are at, cause,"),
        ("{{ loop }}", "no variable loop"),
        ("{{ self }}", "no variable self"),
        ("{{ key | shell }}", "no filter shell"),
        ("{{ key is even }}", "no test even"),
        ("{{ key.upper() }}", "only range can be called"),
        ("{{ 2 ** 8 }}", "Pow cannot be used"),
        ("{% macro x() %}{{ x() }}{% endmacro %}", "cannot be used"),
        ("{% include 'x' %}", "cannot be used"),
        ("{% for a in inputs recursive %}{% endfor %}", "cannot be used"),
        ("{% for a in inputs %}{% endfor %}" * 11, "at most 10 loops"),
        ("{% for a in inputs %}" * 3 + "{% endfor %}" * 3, "2 within each other"),
        ("{{ 1e999 }}", "too large"),
        ("{{ " + "(" * 300 + "1" + ")" * 300 + " }}", "nested too deeply"),
        ("{{ " + "1+" * 3000 + "1 }}", "nested too deeply"),
        ("{{ key }}" * 1000, "at most 8192 characters"),
    ],
)
def test_what_can_never_be_filled_in_is_refused_when_rules_are_read(text: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason) as caught:
        check({"conf": ["fine", {"x": text}]})
    assert caught.value.path == ("conf", 1, "x")
    with pytest.raises(TemplateFailed):
        one(text)


def test_rules_are_checked_against_what_there_is_to_name() -> None:
    check({"a": "{% for a in inputs %}{{ a }}{% set b = a %}{{ b }}{% endfor %}{{ range(3) }}", "b": 3})
    check({"text": "{{ failed_assertions | length }} failed on {{ dataset }}"}, BLOCKED)
    with pytest.raises(RuleError, match="no variable dataset"):
        check({"text": "{{ dataset }}"})
    with pytest.raises(RuleError, match="in a key") as caught:
        check({"conf": {"{{ key }}": 1}})
    assert caught.value.path == ("conf", "{{ key }}")


def grow(begin: str, step: str, times: int = 60) -> str:
    """Set a name to something made of the one before it, again and again."""
    sets = [f"{{% set a0 = {begin} %}}"]
    sets += [f"{{% set a{n + 1} = {step.replace('A', f'a{n}')} %}}" for n in range(times)]
    return "".join(sets) + f"{{{{ a{times} }}}}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ key.__class__ }}",
        "{{ key.__class__.__mro__[1].__subclasses__() }}",
        "{{ inputs['__class__'] }}",
        "{{ inputs | map(attribute='__class__') | list }}",
        "{{ inputs | map('attr', '__class__') | list }}",
        "{{ key | attr('__class__') }}",
        "{{ inputs.items }}",
        "{{ range.__globals__ }}",
        "{{ range }}",
        "{% for a in inputs %}{{ loop.__init__ }}{% endfor %}",
        "{% for a in inputs %}{{ loop.cycle }}{% endfor %}",
        "{% for a in inputs %}{{ loop }}{% endfor %}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lipsum }}",
        "{{ namespace(a=1) }}",
        "{{ '%s' | format(key) }}",
        "{{ '{0.__class__}'.format(key) }}",
        "{{ _result }}",
    ],
)
def test_templates_see_nothing_but_data(text: str) -> None:
    with pytest.raises(TemplateFailed):
        one(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 10**9 }}",
        "{{ 'a' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 1000000000 * 'a' }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%1000000000d' is divisibleby 3 }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ 'a'.ljust(1000000000) }}",
        "{{ 'a' | indent(1000000000) }}",
        "{{ [] | batch(1000000000, 0) | list }}",
        "{{ 1 | round(-1000000000, 'floor') }}",
        "{{ range(1000000000) }}",
        "{{ range(101) }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '" + "9" * 4000 + "' | int * 1 }}",
        grow("9", "A * A"),
        grow("'ab'", "A ~ A"),
        grow("'ab'", "A + A"),
        grow("'ab'", "[A, A] | join"),
        grow("'ab'", "A | replace('', A)"),
        grow("[1]", "A + A"),
        grow("[1]", "[A, A]"),
        grow("[1]", "(A, A)"),
        grow("[1]", "{'x': A, 'y': A}"),
        grow("'ab'", "A ~ A", 15) + "{% set b = a15 | list | map('replace', '', a15) | list %}",
        grow("'ab'", "A ~ A", 15) + "{{ a15 }}",
        "{{ [inputs, inputs, inputs, inputs] | tojson }}" + "{{ inputs }}" * 600,
        "{% for a in range(100) %}{% for b in range(100) %}{{ key }}{% endfor %}{% endfor %}",
        "{% for a in range(100) %}{% for b in range(100) %}{% endfor %}{% endfor %}",
        grow("[1]", "A + A", 14) + "{% for a in a14 %}{% endfor %}",
        grow("[1]", "A + A", 14) + "{% for a in range(100) %}{% for b in range(90) %}" + "{% set c = a14 | sort %}" * 9
        + "{% endfor %}{% endfor %}",
    ],
)  # fmt: skip
def test_templates_that_make_too_much_end_soon(text: str) -> None:
    start = time.thread_time()
    with pytest.raises(TemplateFailed):
        one(text)
    assert time.thread_time() - start < 3


@pytest.mark.parametrize("text", [r'{{ "\ud800" }}', r'half {{ "\udfff" }}', r'{{ inputs["\u0000\ud800"] }}'])
def test_what_no_database_keeps_is_refused_in_words_that_it_does(text: str) -> None:
    with pytest.raises(TemplateFailed) as raised:
        render({"text": text}, CONTEXT)
    assert "\0" not in str(raised.value)
    assert str(raised.value).encode()


def test_all_options_together_are_bounded() -> None:
    text = "{% for a in range(100) %}{{ '" + "x" * 600 + "' }}{% endfor %}"
    assert len(one(text)) == 60_000
    with pytest.raises(TemplateFailed, match="larger than 262144 bytes"):
        render({f"o{number}": text for number in range(5)}, CONTEXT)


@given(st.text(alphabet="{}%# abkey|.[]'0+~"))
def test_whatever_is_written_ends_in_a_value_or_in_our_own_error(text: str) -> None:
    with contextlib.suppress(RuleError):
        check({"option": text})
    with contextlib.suppress(TemplateFailed):
        json.dumps(one(text))
