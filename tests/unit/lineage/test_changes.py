"""What has changed in a schema, in words."""

from __future__ import annotations

import pytest

from lineage.changes import schema_change, schema_words


def schema(*fields: object) -> dict[str, object]:
    return {"fields": [{"name": f[0], "type": f[1]} if isinstance(f, tuple) else f for f in fields]}


def words(before: object, after: object) -> str:
    return schema_words(schema_change(before, after))


def test_columns_come_go_and_change_their_type() -> None:
    before = schema(("id", "INT"), ("gone", "TEXT"), ("at", "DATE"))
    after = schema(("id", "BIGINT"), ("at", "date"), ("new", "TEXT"))
    assert words(before, after) == "added new; removed gone; changed id from INT to BIGINT"


def test_fields_of_fields_have_their_whole_name() -> None:
    inner = {"name": "address", "type": "struct", "fields": [{"name": "city", "type": "text"}]}
    assert words(schema(("id", "INT")), schema(("id", "INT"), inner)) == "added address, address.city"


def test_fields_in_fields_with_long_names_do_not_take_all_memory() -> None:
    deep: dict[str, object] = {"name": "end"}
    for _ in range(200):
        deep = {"name": "x" * 10_000, "fields": [deep]}
    added = schema_change(None, schema(deep)).added
    assert sum(map(len, added)) < 100_000


def test_a_long_list_is_cut() -> None:
    assert (
        words(schema(), schema(*((f"c{n}", "INT") for n in range(8))))
        == "added c0, c1, c2, c3, c4 and 3 more"
    )


@pytest.mark.parametrize("facet", [None, 1, {}, {"fields": 3}, {"fields": [None, {"name": 1}, {"name": ""}]}])
def test_what_is_no_schema_has_no_columns(facet: object) -> None:
    assert words(facet, schema(("id", None))) == "added id"
    assert words(facet, facet) == "the columns are the same, something else about them has changed"
