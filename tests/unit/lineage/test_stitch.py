"""Suggestions which names are one dataset: what is suggested, why, by which rule, and what is not."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from lineage.identity import Exact, Host, Prefix, Rule
from lineage.model import DatasetRef, entity_id
from lineage.naming import normal
from lineage.stitch import Candidate, Facts, Kind, Suggestion, promising, suggest
from tests.stitch_stack import candidates, make, measure

DLT = "dlt.destinations.postgres://r7FtJZ18"
DBT = "postgres://db.internal:5432"
TABLES = ("raw.orders", "raw.payments", "raw.customers")
COLUMNS = {table: frozenset({"id", f"{table[4:]}_key", f"{table[4:]}_date", "status"}) for table in TABLES}

Names = dict[DatasetRef, Facts]


def written(columns: Iterable[str] = (), job: str = "load") -> Facts:
    return Facts(frozenset(columns), writers=frozenset({entity_id("job", job)}))


def read(columns: Iterable[str] = (), job: str = "model") -> Facts:
    return Facts(frozenset(columns), readers=frozenset({entity_id("job", job)}))


def tables(namespace: str, lead: str, facts: Facts, names: Iterable[str] = TABLES) -> Names:
    """Give tables under one beginning, with the columns that each has."""
    return {
        DatasetRef(namespace, f"{lead}{name}"): facts | Facts(COLUMNS.get(name, frozenset()))
        for name in names
    }


def pairs(suggestions: Iterable[Suggestion]) -> set[frozenset[DatasetRef]]:
    return {frozenset((each.one, each.other)) for each in suggestions}


def rules(suggestions: Iterable[Suggestion]) -> set[Rule]:
    return {rule for each in suggestions for rule in each.rules}


def suggested(*names: Names) -> list[Suggestion]:
    together: Names = {}
    for some in names:
        together |= some
    return suggest(candidates(together))


LOADED = tables(DLT, "", written())
MODELLED = tables(DBT, "shop.", read())


def test_one_rule_joins_all_tables_of_two_namespaces() -> None:
    found = suggested(LOADED, MODELLED)
    assert pairs(found) == {
        frozenset((DatasetRef(DLT, name), DatasetRef(DBT, f"shop.{name}"))) for name in TABLES
    }
    assert rules(found) == {Prefix(DLT, DBT, "", "shop.")}
    assert {each.joins for each in found} == {3}
    assert all(each.other.namespace == DBT for each in found), "the name that says where it is stays"


def test_every_suggestion_says_why() -> None:
    evidence = {piece.kind: piece.words for piece in suggested(LOADED, MODELLED)[0].evidence}
    assert evidence[Kind.NAMES] == "both end in raw.customers"
    assert evidence[Kind.ROLES] == "only written by the first name, only read by the second"
    assert evidence[Kind.TECHNOLOGY] == "both are postgres"
    assert evidence[Kind.MAPPING] == "3 tables match under this mapping, of 3 and 3 in the same schemas"
    assert Kind.COLUMNS in evidence


def test_the_name_alone_is_not_enough() -> None:
    assert suggested(
        {DatasetRef("one", "raw.orders"): Facts()}, {DatasetRef("other", "shop.raw.orders"): Facts()}
    ) == []  # fmt: skip


def test_one_table_needs_columns_and_roles() -> None:
    columns = COLUMNS["raw.orders"]
    found = suggested(
        {DatasetRef(DLT, "raw.orders"): written(columns)}, {DatasetRef(DBT, "shop.raw.orders"): read(columns)}
    )
    assert [each.rules for each in found] == [(Prefix(DLT, DBT, "", "shop."),)]


def test_tables_of_one_name_in_several_schemas_are_several() -> None:
    schemas = ("staging", "marts", "tenant_1", "tenant_2")
    many = {DatasetRef(DBT, f"shop.{schema}.orders"): read(COLUMNS["raw.orders"]) for schema in schemas}
    assert suggested(many, {DatasetRef(DLT, "raw.orders"): written(COLUMNS["raw.orders"])}) == []


def test_tables_of_other_columns_are_other_tables() -> None:
    others = {DatasetRef(DBT, f"shop.{name}"): read({"a", "b", "c", name}) for name in TABLES}
    assert suggested(LOADED, others) == []


def test_another_technology_is_another_database() -> None:
    assert suggested(LOADED, tables("duckdb:///srv/shop.duckdb", "shop.", read())) == []


def test_development_and_production_are_told_apart_or_left_alone() -> None:
    development = tables("postgres://dev.internal:5432", "shop.", read())
    assert suggested(LOADED, MODELLED, development) == []
    # In development there are columns that production does not load.
    ahead = {ref: facts | Facts(frozenset({"new_column"})) for ref, facts in development.items()}
    assert rules(suggested(LOADED, MODELLED, ahead)) == {Prefix(DLT, DBT, "", "shop.")}


def test_what_names_the_database_decides_between_two_that_fit() -> None:
    by_job = {DatasetRef("models", f"shop.{name}"): read(COLUMNS[name], "models") for name in TABLES}
    local = tables("duckdb:///srv/shop.duckdb", "shop.", read(job="local"))
    wrapped = tables("postgres://shop", "", read(job="wrapped"))
    assert rules(suggested(by_job, MODELLED, local, wrapped)) == {
        Prefix("models", DBT, "shop.", "shop."),
        Prefix("postgres://shop", DBT, "", "shop."),
    }
    assert "models" not in {each.one.namespace for each in suggested(by_job, MODELLED, tables(
        "postgres://other.internal:5432", "shop.", read(job="other")))}  # fmt: skip


def test_two_servers_that_do_the_same_work_are_two() -> None:
    other = "postgres://10.0.0.9:5432"
    assert (
        suggested(tables(other, "shop.", written() | read()), tables(DBT, "shop.", written() | read())) == []
    )
    assert suggested(tables(other, "shop.", written()), tables(DBT, "shop.", written(job="another"))) == []
    # One only writes what the other only reads: one server under two addresses.
    assert rules(suggested(tables(other, "shop.", written()), MODELLED)) == {
        Prefix(other, DBT, "shop.", "shop.")
    }


def test_what_one_job_copies_is_not_one_dataset() -> None:
    source = tables("postgres://10.0.0.9:5432", "shop.", read(job="copy"))
    assert suggested(source, tables(DBT, "shop.", written(job="copy"))) == []


@pytest.mark.parametrize(
    "namespaces", [("s3://lake", "s3://lake-dev"), ("duckdb:///a.duckdb", "duckdb:///b.duckdb")]
)
def test_two_buckets_or_files_are_never_one(namespaces: tuple[str, str]) -> None:
    one, other = namespaces
    assert suggested(tables(one, "shop.", written()), tables(other, "shop.", read())) == []


def test_letter_case_of_a_path_tells_two_apart() -> None:
    upper = {DatasetRef("s3://lake", f"A/b/{name}"): written(COLUMNS[name]) for name in TABLES}
    lower = {DatasetRef("s3://lake", f"a/b/{name}"): read(COLUMNS[name]) for name in TABLES}
    assert suggested(upper, lower) == []


def test_the_two_names_of_this_machine_are_joined_by_the_host() -> None:
    found = suggested(
        tables("postgres://localhost:5433", "shop.", written()),
        tables("postgres://127.0.0.1:5433", "shop.", read(), (*TABLES, "raw.more")),
    )
    assert rules(found) == {Host(("localhost",), "127.0.0.1")}


def test_a_name_of_one_part_tells_nothing() -> None:
    resources = {DatasetRef("shop-ingest", name[4:]): read(COLUMNS[name], "load") for name in TABLES}
    assert suggested(resources, LOADED, {DatasetRef("dlt", name[4:]): facts for name, facts in zip(
        TABLES, resources.values(), strict=True)}) == []  # fmt: skip


def test_a_database_in_the_namespace_counts_as_a_part_of_the_name() -> None:
    inside = {DatasetRef("mysql://db:3306/raw", name[4:]): written(COLUMNS[name]) for name in TABLES}
    outside = tables("mysql://db:3306", "", read())
    assert rules(suggested(inside, outside)) == {Prefix("mysql://db:3306/raw", "mysql://db:3306", "", "raw.")}


def test_letter_case_is_a_suggestion_if_more_speaks_for_it() -> None:
    account = "snowflake://acme-main"
    upper = {DatasetRef(account, f"SHOP.{name.upper()}"): written(COLUMNS[name]) for name in TABLES}
    lower = tables(account, "shop.", read())
    found = suggested(upper, lower)
    assert rules(found) == {
        Exact(account, f"SHOP.{name.upper()}", account, f"shop.{name}") for name in TABLES
    }
    blank = {ref: Facts() for ref in (*upper, *lower)}
    assert suggested(blank) == []


def test_what_is_one_dataset_already_is_not_suggested_and_speaks_for_the_rest() -> None:
    together = candidates(LOADED | MODELLED)
    first, second = DatasetRef(DLT, "raw.orders"), DatasetRef(DBT, "shop.raw.orders")
    joined = [
        candidate._replace(set_id=second.id) if candidate.ref == first else candidate
        for candidate in together
    ]
    found = suggest(joined)
    assert frozenset((first, second)) not in pairs(found)
    assert {Kind.JOINED} <= {piece.kind for piece in found[0].evidence}
    assert found[0].confidence > suggest(together)[0].confidence


def test_a_dismissed_pair_is_not_suggested_again_nor_joined_by_the_rule_of_others() -> None:
    pair = frozenset((DatasetRef(DLT, "raw.orders"), DatasetRef(DBT, "shop.raw.orders")))
    found = suggest(candidates(LOADED | MODELLED), dismissed={frozenset(ref.id for ref in pair)})
    assert pairs(found) == pairs(suggested(LOADED, MODELLED)) - {pair}
    assert rules(found) == {each.exact for each in found}


def test_where_most_is_one_dataset_already_no_other_database_fits() -> None:
    by_job = {DatasetRef("models", f"shop.{name}"): read(COLUMNS[name], "models") for name in TABLES}
    other = tables("duckdb:///srv/shop.duckdb", "shop.", read(job="local"))
    together = [
        candidate._replace(set_id=DatasetRef(DBT, candidate.ref.name).id)
        if candidate.ref.namespace == "models"
        else candidate
        for candidate in candidates(by_job | MODELLED | other)
    ]
    assert suggest(together) == []


def test_what_a_rule_will_join_is_not_suggested() -> None:
    assert suggest(candidates(LOADED | MODELLED), standing=[Prefix(DLT, DBT, "", "shop.")]) == []


def test_a_table_without_the_best_name_is_led_to_it_from_both_sides() -> None:
    script = {DatasetRef("scripts", f"shop.{name}"): read(COLUMNS[name], "script") for name in TABLES}
    modelled = {ref: facts for ref, facts in MODELLED.items() if ref.name != "shop.raw.customers"}
    found = {frozenset((each.one, each.other)): each for each in suggested(LOADED, modelled, script)}
    pair = frozenset((DatasetRef(DLT, "raw.customers"), DatasetRef("scripts", "shop.raw.customers")))
    assert set(found[pair].rules) == {Prefix(DLT, DBT, "", "shop."), Prefix("scripts", DBT, "shop.", "shop.")}


def test_quotes_are_no_difference() -> None:
    quoted = {DatasetRef("models", f'"shop"."raw"."{name[4:]}"'): read(COLUMNS[name]) for name in TABLES}
    found = suggested(quoted, tables(DBT, "shop.", written()))
    assert rules(found) == {Prefix("models", DBT, "shop.", "shop.")}
    assert found[0].one.name.startswith('"shop"'), "the name as it was sent"


def test_the_order_of_the_names_does_not_matter() -> None:
    stack = make(7).candidates
    expected = suggest(stack)
    random.Random(1).shuffle(stack)
    assert suggest(stack) == expected


def test_promising_are_the_names_that_another_dataset_shares_rarest_first() -> None:
    names = [
        (DatasetRef("a", "raw.orders"), 1), (DatasetRef("b", "x.raw.orders"), 2), (DatasetRef("c", "raw.only"), 3),
        (DatasetRef("d", "RAW.ORDERS"), 4), (DatasetRef("e", "raw.rare"), 5), (DatasetRef("f", "db.raw.rare"), 6),
        (DatasetRef("g", "raw.one"), 7), (DatasetRef("h", "raw.one"), 7), (DatasetRef("i", "orders"), 8),
        (DatasetRef("j", "orders"), 9),
    ]  # fmt: skip
    assert promising(names, 10) == ([4, 5, 0, 1, 3], [])
    assert promising(names, 3) == ([4, 5, 0], [1, 3])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_quality_on_a_made_up_stack(seed: int) -> None:
    stack = make(seed)
    known = stack.candidates
    quality = measure(suggest(known), stack.meant, known)
    assert len(set(stack.meant.values())) > 1800
    assert quality.true_pairs > 800
    assert quality.precision_first >= 0.95
    assert quality.precision >= 0.95
    assert quality.precision_joined >= 0.95
    assert quality.recall >= 0.9


def test_quality_where_columns_have_changed_on_one_side() -> None:
    stack = make(4)
    chance = random.Random(4)
    drifted = {
        ref: replace(facts, columns=facts.columns - {min(facts.columns)} | {f"new_{chance.randint(0, 9)}"})
        if facts.columns and chance.random() < 0.4
        else facts
        for ref, facts in stack.facts.items()
    }
    known = candidates(drifted)
    quality = measure(suggest(known), stack.meant, known)
    assert quality.precision_joined >= 0.95
    assert quality.recall >= 0.85


def test_quality_where_nothing_but_names_is_known() -> None:
    stack = make(5)
    known = candidates(dict.fromkeys(stack.facts, Facts()))
    quality = measure(suggest(known), stack.meant, known)
    assert quality.precision_joined >= 0.95


def test_names_that_everybody_has_cost_no_more_than_others() -> None:
    tenants = [
        Candidate(ref := DatasetRef("postgres://multi:5432", f"t{tenant}.public.users"), ref.id)
        for tenant in range(20_000)
    ]
    loaded = [Candidate(ref := DatasetRef(f"tool{n}", "public.users"), ref.id) for n in range(100)]
    assert suggest(tenants + loaded) == []
    assert normal(tenants[0].ref)[1] is None
