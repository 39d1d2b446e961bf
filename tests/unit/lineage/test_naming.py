"""The normal form of names: the spellings that split graphs, each with where it was seen."""

from __future__ import annotations

import timeit
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.model import DatasetRef
from lineage.naming import normal

POSTGRES = "postgres://h:5432"

SAME = [
    # scheme: the Java client rewrites it, the documentation's examples do not
    (("postgresql://h:5432", "d.s.t"), (POSTGRES, "d.s.t"), "postgresql is postgres"),
    (("s3a://b", "k"), ("s3://b", "k"), "s3a is s3"),  # OpenLineage#2782
    (("s3n://b", "k"), ("s3://b", "k"), "s3n is s3"),
    (("abfs://c@a.dfs.core.windows.net", "k"), ("abfss://c@a.dfs.core.windows.net", "k"), "abfs is abfss"),
    (("wasb://c@a.blob.core.windows.net", "k"), ("wasbs://c@a.blob.core.windows.net", "k"), "wasb is wasbs"),
    # ports
    (("postgres://h", "d.s.t"), (POSTGRES, "d.s.t"), "default port 5432"),
    (("postgres://h:", "d.s.t"), (POSTGRES, "d.s.t"), "default port 5432"),
    (
        ("postgres://workshop-db:None", "d.s.t"),  # docs/guides
        ("postgres://workshop-db:5432", "d.s.t"),
        "default port 5432",
    ),
    (("mysql://h", "d.t"), ("mysql://h:3306", "d.t"), "default port 3306"),
    (("sqlserver://h", "d.s.t"), ("sqlserver://h:1433", "d.s.t"), "default port 1433"),
    (("redshift://c.eu-west-1", "d.s.t"), ("redshift://c.eu-west-1:5439", "d.s.t"), "default port 5439"),
    (("hive://h:None", "d.t"), ("hive://h", "d.t"), "no port"),
    (("postgres://[::1]", "d.s.t"), ("postgres://[::1]:5432", "d.s.t"), "default port 5432"),
    # hosts
    (("postgres://DB.Internal:5432", "d.s.T"), ("postgres://db.internal:5432", "d.s.T"), "letter case"),
    (("snowflake://org-acc.snowflakecomputing.com", "D.S.T"), ("snowflake://org-acc", "D.S.T"), "without"),
    (
        ("redshift://c.abc123.eu-west-1.redshift.amazonaws.com:5439", "d.s.t"),  # dbt
        ("redshift://c.eu-west-1:5439", "d.s.t"),
        "cluster and region",
    ),
    # slashes: OpenLineage#3284
    (("gs://b", "/dir/t"), ("gs://b", "dir/t"), "slashes"),
    (("s3://b", "dir//t/"), ("s3://b", "dir/t"), "slashes"),
    (("s3://b/", "t"), ("s3://b", "t"), "slash at the end"),
    (("file", "/data/t/"), ("file", "/data/t"), "slashes"),
    (("file:///", "/data/t"), ("file", "/data/t"), "slashes"),
    (("hdfs://n:8020", "//data/t"), ("hdfs://n:8020", "/data/t"), "slashes"),
    # quotes: sqlmesh writes its inputs with, its outputs without
    (("shop-sqlmesh", '"shop"."raw"."orders"'), ("shop-sqlmesh", "shop.raw.orders"), "quotes"),
    (("bigquery", "`p`.d.t"), ("bigquery", "p.d.t"), "quotes"),
    (("mssql://h:1433", "[d].[dbo].[My Table]"), ("mssql://h:1433", "d.dbo.My Table"), "quotes"),
    # partitions: as the Java client's DatasetReducer
    (("s3://b", "t/dt=2026-11-22"), ("s3://b", "t"), "partition dt=2026-11-22"),
    (("s3://b", "t/y=2026/m=11/part="), ("s3://b", "t"), "partition y=2026/m=11/part="),
    (("file", "/data/t/20250722T0901Z"), ("file", "/data/t"), "partition 20250722T0901Z"),
    (("file", "/data/t/22.07.2025"), ("file", "/data/t"), "partition 22.07.2025"),
    (
        ("hdfs://n:1", "/t/2026-11-22T05:00:00.000Z"),
        ("hdfs://n:1", "/t"),
        "partition 2026-11-22T05:00:00.000Z",
    ),
    (("s3://b", "t/202511"), ("s3://b", "t"), "partition 202511"),
    (("s3://b", "t/2025/07/21"), ("s3://b", "t"), "partition 2025/07/21"),
    (("s3://b", "t/2025/07/21/05"), ("s3://b", "t"), "partition 2025/07/21/05"),
    (("s3://b", "t/region=eu/2025/07"), ("s3://b", "t"), "partition region=eu/2025/07"),
    # several at once
    (("s3a://b/", "/t//ds=1/"), ("s3://b", "t"), "s3a is s3, slash at the end, slashes, partition ds=1"),
]

DISTINCT = [
    (POSTGRES, "Shop.Raw.Orders"),  # case may mean something
    (POSTGRES, 'shop."a.b"'),  # would look like three parts
    (POSTGRES, 'shop."a'),
    (POSTGRES, 'shop."a""b"'),
    (POSTGRES, "shop.[a]"),  # brackets quote in T-SQL only
    (POSTGRES, "shop/dt=1"),  # no file system
    ("trino://h", "c.s.t"),  # 8080, or 443
    ("hdfs://nameservice", "/t"),  # a name service has no port
    ("kafka://a:9092,b:9092", "topic"),
    ("dlt.destinations.postgres://r7FtJZ18aIlaIoeSroVb", "raw.orders"),  # a hash, no host
    ("duckdb:///srv/Shop.duckdb", "shop.raw.orders"),
    ("s3://Bucket", "k"),
    ("s3://b", "/"),
    ("s3://b", "dt=2026-11-22"),  # never the whole name
    ("file", "/2025/07"),
    ("s3://b", "t/2025/14"),
    ("s3://b", "t/2025"),
    ("s3://b", "t/a=b=c"),
    ("s3://b", "t/dataset_20251101"),
    ("file", "/tmp/20122321"),
    ("file:/srv/warehouse", "default.t1"),
    ("arn:aws:glue:eu-west-1:123456789012", "table/db/t"),
    ("", ""),
    ("job namespace", "t"),
]


@pytest.mark.parametrize(("written", "expected", "why"), SAME)
def test_spellings_of_one_name_have_one_normal_form(
    written: tuple[str, str], expected: tuple[str, str], why: str
) -> None:
    found, change = normal(DatasetRef(*written))

    assert found == expected
    assert change is not None
    assert why in change


@pytest.mark.parametrize("written", DISTINCT)
def test_what_may_mean_something_else_stays(written: tuple[str, str]) -> None:
    assert normal(DatasetRef(*written)) == (DatasetRef(*written), None)


SCHEMES = st.sampled_from(
    ["postgresql", "POSTGRES", "redshift", "snowflake", "mssql", "hive", "s3a", "abfs", "file", "hdfs", "x"]
)
PIECES = st.sampled_from(
    [
        *(
            "a",
            "B",
            "",
            "/",
            "//",
            ":",
            "5432",
            "None",
            "@",
            ".",
            '"',
            "`",
            "[",
            "]",
            "=",
            " ",
            "İ",
            "\ud800",
        ),
        *("dt=1", "2025", "07", "202501", "20250101", "2025-01-01"),
        *(".snowflakecomputing.com", "a.b.c.redshift.amazonaws.com"),
    ]
)
TEXTS = st.lists(PIECES, max_size=9).map("".join)
NAMESPACES = (
    st.builds("{}://{}".format, SCHEMES, TEXTS) | TEXTS | st.sampled_from(["file", "file:///", "s3://b"])
)


@given(NAMESPACES, TEXTS)
def test_the_normal_form_is_its_own(namespace: str, name: str) -> None:
    once, change = normal(DatasetRef(namespace, name))

    assert normal(once) == (once, None)
    assert (change is None) == (once == (namespace, name))


def test_long_names_take_no_time() -> None:
    names = ["/".join(["a=b"] * 16_000) + "/x", "." * 64_000, '"a".' * 16_000 + '"', "2025/" * 13_000]

    for name in names:
        for namespace in ("s3://b", POSTGRES):
            assert timeit.timeit(partial(normal, DatasetRef(namespace, name)), number=1) < 0.1
