"""Rules, and the choice of the name that stands for a set."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.identity import (
    LONGEST,
    MOST_NAMES,
    Exact,
    Host,
    Pair,
    Prefix,
    Regex,
    Rule,
    RuleError,
    Rules,
    canonical_ids,
    rule_of,
)
from lineage.model import DatasetRef, Reason

TABLE = DatasetRef("postgres://db:5432", "shop.raw.orders")


def made(rule: Rule, namespace: str, name: str) -> list[DatasetRef]:
    return [ref for ref, _ in Rules([rule]).apply(DatasetRef(namespace, name))]


def test_an_exact_rule_is_about_one_name() -> None:
    rule = Exact("a", "b", *TABLE)

    assert made(rule, "a", "b") == [TABLE]
    assert made(rule, "a", "B") == []


def test_a_prefix_rule_keeps_the_rest_of_the_name() -> None:
    assert made(Prefix("dlt://x", TABLE.namespace, to_name="shop."), "dlt://x", "raw.orders") == [TABLE]
    assert made(Prefix("n", "m", "a.", "b."), "n", "a.t") == [DatasetRef("m", "b.t")]
    assert made(Prefix("n", "m", "a.", "b."), "n", "c.t") == []


@pytest.mark.parametrize(
    ("names", "to", "namespace", "expected"),
    [
        (("localhost",), "db", "postgres://localhost:5432", "postgres://db:5432"),
        (("LOCALHOST",), "db", "hive://LocalHost", "hive://db"),
        (("localhost:1",), "db:2", "x://localhost:1/path", "x://db:2/path"),
        (("localhost:1",), "db:2", "x://localhost:3", None),
        (("[::1]",), "db", "postgres://[::1]:5432", "postgres://db:5432"),
        (("account",), "other", "abfss://container@account", "abfss://container@other"),
        (("localhost",), "db", "localhost", None),
        (("a",), "db", "kafka://a:1,b:1", None),
    ],
)
def test_a_host_rule_is_about_the_host_of_any_namespace(
    names: tuple[str, ...], to: str, namespace: str, expected: str | None
) -> None:
    assert made(Host(names, to), namespace, "t") == ([DatasetRef(expected, "t")] if expected else [])


def test_a_regex_rule_takes_groups_of_namespace_and_name() -> None:
    rule = Regex(r"mysql://(?P<host>\w+)-replica\d+", r"(\w+)\.(.*)", r"mysql://\g<host>", r"\2.\g<3>\\")

    assert made(rule, "mysql://a-replica7", "db.t") == [DatasetRef("mysql://a", "db.t\\")]
    assert made(rule, "mysql://a-replica7x", "db.t") == []
    assert made(Regex("(a)|b", "t", r"x\1", "t"), "b", "t") == [DatasetRef("x", "t")]


def test_a_template_without_its_group_is_refused() -> None:
    with pytest.raises(RuleError, match="no group 2") as caught:
        Regex("(a)", "b", r"\2", "c")
    assert caught.value.field == "to_namespace"


def test_an_expression_that_python_cannot_hold_is_a_mistake() -> None:
    with pytest.raises(RuleError) as caught:
        Regex("a{4294967296}", ".*", *TABLE)

    assert caught.value.field == "namespace"


def test_a_name_that_rules_only_make_longer_ends() -> None:
    rules = Rules([Regex(".*", "(.*)", "a", r"\1\1")])

    found = rules.other_names(DatasetRef("a", "b" * 1000))

    assert found
    assert sum(len(each.ref.name) for each in found) < 20 * LONGEST


def test_rules_apply_to_normal_forms_and_to_what_rules_have_made() -> None:
    prefix = {"namespace": "sqlmesh", "to_namespace": "postgresql://localhost"}
    host = {"names": ["localhost"], "to": "db"}
    rules = Rules([rule_of({"host": host}), rule_of({"prefix": prefix, "reason": "x"})])

    found = rules.other_names(DatasetRef("sqlmesh", '"shop"."raw"."orders"'))

    assert [(other.ref, other.reason) for other in found] == [
        (DatasetRef("sqlmesh", "shop.raw.orders"), Reason.NORMAL),
        (DatasetRef("postgres://localhost:5432", "shop.raw.orders"), Reason.RULE),
        (TABLE, Reason.RULE),
    ]
    assert found[0].detail == "quotes"
    assert found[2].detail == "host localhost is db"
    assert rules.other_names(TABLE) == []


def test_a_rule_may_be_written_in_any_spelling() -> None:
    rules = Rules([Exact("postgresql://DB", "a", "n", "b"), Prefix("s3a://bucket", "m")])

    assert [ref for ref, *_ in rules.other_names(DatasetRef("postgres://db:5432", "a"))] == [("n", "b")]
    assert [ref for ref, *_ in rules.other_names(DatasetRef("s3://bucket", "a"))] == [("m", "a")]


def test_rules_tell_which_namespaces_they_are_about() -> None:
    rules = Rules(
        [
            Exact("postgresql://DB", "a", "n", "b"),
            Prefix("dlt://x", "m"),
            Host(("localhost",), "db"),
            Regex("lake.*", "t", "n", "t"),
        ]
    )

    assert rules.exact_ids == {
        DatasetRef("postgresql://DB", "a").id,
        DatasetRef("postgres://db:5432", "a").id,
    }
    for namespace in ("dlt://x", "mysql://localhost", "postgresql://LOCALHOST", "lake1"):
        assert rules.cover(namespace), namespace
    for namespace in ("postgres://db:5432", "postgres://other", "dlt://y", "mysql://db", "a lake", "n", ""):
        assert not rules.cover(namespace), namespace
    assert not Rules().cover("dlt://x")


def test_rules_that_feed_each_other_end() -> None:
    assert len(Rules([Prefix("a", "a", to_name="x")]).other_names(DatasetRef("a", "t"))) == MOST_NAMES
    circle = Rules([Prefix("a", "b"), Prefix("b", "a")])
    assert circle.other_names(DatasetRef("a", "t")) == circle.other_names(DatasetRef("a", "t"))
    assert [other.ref.namespace for other in circle.other_names(DatasetRef("a", "t"))] == ["b"]


REFS = {
    1: DatasetRef("s3://b", "warehouse/orders"),
    2: DatasetRef("s3a://b", "warehouse/orders"),
    3: DatasetRef("hive://m", "default.orders"),
    4: DatasetRef("hive://m", "default.a_orders"),
    5: DatasetRef("zzz", "orders"),
}
SYMLINK = Pair(1, 3, Reason.SYMLINK)
NORMAL = Pair(2, 1, Reason.NORMAL)


@pytest.mark.parametrize(
    ("pairs", "chosen"),
    [
        ([NORMAL], {1: 1, 2: 1}),
        ([SYMLINK], {1: 3, 3: 3}),
        ([SYMLINK, NORMAL], {1: 3, 2: 3, 3: 3}),
        ([Pair(3, 4, Reason.SYMLINK)], {3: 3, 4: 3}),  # the one that the others are symlinks of
        ([Pair(3, 4, Reason.SYMLINK), Pair(4, 3, Reason.SYMLINK)], {3: 4, 4: 4}),  # the smallest
        ([Pair(3, 4, Reason.RENAME)], {3: 3, 4: 3}),
        ([Pair(3, 5, Reason.RULE), SYMLINK], {1: 5, 3: 5, 5: 5}),
        ([Pair(3, 5, Reason.RULE), Pair(5, 4, Reason.RULE), Pair(3, 4, Reason.RULE)], {3: 4, 4: 4, 5: 4}),
        ([Pair(1, 99, Reason.RULE), Pair(3, 99, Reason.RULE)], {1: 3, 3: 3}),  # nobody has the target
        ([Pair(3, 3, Reason.SYMLINK)], {}),
    ],
)
def test_the_best_name_stands_for_the_set(pairs: list[Pair], chosen: dict[int, int]) -> None:
    assert canonical_ids(REFS, pairs) == {id_: id_ for id_ in REFS} | chosen


PAIRS = st.lists(
    st.builds(Pair, st.integers(1, 5), st.integers(1, 7), st.sampled_from(list(Reason))), max_size=8
)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_choice_is_a_function_of_the_sets_of_names_and_pairs(
    pairs: list[Pair], rand: random.Random
) -> None:
    chosen = canonical_ids(REFS, pairs)
    shuffled, ids = [*pairs, *pairs[:2]], list(REFS)
    rand.shuffle(shuffled)
    rand.shuffle(ids)

    assert canonical_ids({id_: REFS[id_] for id_ in ids}, shuffled) == chosen
    assert all(
        chosen[pair.dataset_id] == chosen.get(pair.other_id, chosen[pair.dataset_id]) for pair in pairs
    )
