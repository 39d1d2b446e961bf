"""The normal form of a dataset's name: what is left when spellings that mean the same are written the same way.

Sources: the naming conventions of the OpenLineage documentation (docs/spec/naming), its clients, and what real tools
send against them. Only what is certain is rewritten: a host has no letter case, a missing port is the default one.
Letter case of names is never folded: whether it means something depends on the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from lineage.model import DatasetRef

SCHEMES: Final = {
    "postgresql": "postgres",  # the Java client rewrites it; the documentation's own examples do not
    "s3a": "s3",  # OpenLineage#2782; column lineage still has the old one, OpenLineage#2938
    "s3n": "s3",
    "gcs": "gs",
    "abfs": "abfss",  # the same account over TLS; OpenLineage#4661
    "wasb": "wasbs",
}

PORTS: Final[Mapping[str, str]] = {
    "postgres": "5432",
    "mysql": "3306",
    "mssql": "1433",
    "sqlserver": "1433",
    "redshift": "5439",
    "oracle": "1521",
    "cassandra": "9042",
}
"""Default ports. Not of Trino, Hive, HDFS, Kafka: they have several, or a name in place of host and port."""

HOSTED: Final = frozenset(
    {
        *PORTS,
        "snowflake",
        "trino",
        "presto",
        "hive",
        "kafka",
        "hdfs",
        "db2",
        "teradata",
        "crate",
        "clickhouse",
    }
    | {"athena", "awsathena", "unitycatalog", "mongodb", "azurecosmos", "file"}
)
"""Schemes with a host after them, which has no letter case. Of others, a bucket or a hash may stand there."""

OBJECTS: Final = frozenset({"s3", "gs", "abfss", "wasbs"})
"""Object stores: a slash at either end of a name means nothing (OpenLineage#3284)."""

FILES: Final = frozenset({"file", "hdfs", "dbfs"})
"""File systems: names are absolute paths."""

NO_PORT: Final = frozenset({"", "None", "null", "-1"})
"""What stands for a missing port: texts of Python and of Java (``postgres://workshop-db:None``)."""

SNOWFLAKE: Final = r"(?:\.snowflakecomputing\.com)+$"  # OpenLineage#4024

_NAMESPACE = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/]*)(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"(?P<host>[^\s:@,;\[\]]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d+|None|null|-1|))?")
# The cluster's host name; the convention has the cluster and the region only. dbt sends the host.
_REDSHIFT = re.compile(r"([^.]+)\.[^.]+\.([^.]+)\.redshift(?:-serverless)?\.amazonaws\.com")

_QUOTED = r'"[^"`\[\].]+"|`[^"`\[\].]+`'
_PLAIN = r'[^"`\[\].]+'
# A quoted part with a dot, or a quote, in it would not be told from two parts any more.
_IDENTIFIERS = re.compile(rf"(?:{_QUOTED}|{_PLAIN})(?:\.(?:{_QUOTED}|{_PLAIN}))*")
_BRACKETED = rf"\[[^\"`\[\].]+\]|{_QUOTED}|{_PLAIN}"
_TSQL_IDENTIFIERS = re.compile(rf"(?:{_BRACKETED})(?:\.(?:{_BRACKETED}))*")
_QUOTES = str.maketrans("", "", '"`[]')

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
# As the Java client's DatasetReducer: key=value, a date in one of three forms and maybe a time, a month.
_PARTITION = re.compile(
    r"[^=]+=[^=]*"
    rf"|(?:{_YEAR}-{_MONTH}-{_DAY}|{_YEAR}{_MONTH}{_DAY}|{_DAY}\.{_MONTH}\.{_YEAR})(?:[T ]?[\d:.\-]{{1,18}})?Z?"
    rf"|{_YEAR}-?{_MONTH}"
)
# Directories for year, month, day and hour: the hour is what Kinesis Firehose adds.
_PARTITIONS = re.compile(rf"{_YEAR}/{_MONTH}(?:/{_DAY}(?:/(?:[01]\d|2[0-3]))?)?")


class _Place(NamedTuple):
    """A namespace in its normal form, and what was done to it."""

    scheme: str
    namespace: str
    changes: tuple[str, ...]


def normal(ref: DatasetRef) -> tuple[DatasetRef, str | None]:
    """Give the normal form of a name, and in words what was changed; None: nothing, it has that form already.

    The normal form of a normal form is itself.
    """
    place = _place(ref.namespace)
    name, changes = ref.name, list(place.changes)
    if place.scheme in OBJECTS or place.scheme in FILES:
        name = _path(name, place.scheme in OBJECTS)
        if name != ref.name:
            changes.append("slashes")
        if (whole := _without_partition(name)) != name:
            changes.append(f"partition {name[len(whole) + 1 :]}")
            name = whole
    elif '"' in name or "`" in name or "[" in name:
        identifiers = _TSQL_IDENTIFIERS if place.scheme in ("mssql", "sqlserver") else _IDENTIFIERS
        if identifiers.fullmatch(name):
            name = name.translate(_QUOTES)
            changes.append("quotes")
    return (DatasetRef(place.namespace, name), ", ".join(changes)) if changes else (ref, None)


@lru_cache(maxsize=20_000)
def _place(namespace: str) -> _Place:
    if namespace.rstrip("/") in ("file", "file:"):
        return _Place("file", "file", ("slashes",) if namespace != "file" else ())
    found = _NAMESPACE.fullmatch(namespace)
    if found is None:
        return _Place("", namespace, ())
    written, authority, rest = found.groups()
    scheme, changes = written.lower(), []
    scheme = SCHEMES.get(scheme, scheme)
    if scheme not in HOSTED | OBJECTS | FILES:
        return _Place(scheme, namespace, ())
    if scheme != written:
        changes.append(f"{written} is {scheme}")
    if scheme in HOSTED:
        host = _host(scheme, authority, changes)
    else:
        # A container may be told by letter case, the account after it is a host.
        container, at, account = authority.rpartition("@")
        host = f"{container}{at}{account.lower()}" if at else authority
        if host != authority:
            changes.append("letter case of the host")
    path = rest.rstrip("/")
    if path != rest:
        changes.append("slash at the end")
    return _Place(scheme, f"{scheme}://{host}{path}", tuple(changes))


def _host(scheme: str, authority: str, changes: list[str]) -> str:
    """Give host and port in their normal form, and add to ``changes`` what was done."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        return authority
    written, port = found["host"], found["port"]
    host = written.lower()
    if host != written:
        changes.append("letter case of the host")
    if scheme == "snowflake" and (account := re.sub(SNOWFLAKE, "", host)):
        if account != host:
            changes.append(f"without {host[len(account) :]}")
        host = account
    if scheme == "redshift" and (cluster := _REDSHIFT.fullmatch(host)):
        host = f"{cluster[1]}.{cluster[2]}"
        changes.append("cluster and region of the host")
    if port is None or port in NO_PORT:
        default = PORTS.get(scheme)
        if default is not None:
            changes.append(f"default port {default}")
            return f"{host}:{default}"
        if port is not None:
            changes.append("no port")
        return host
    return f"{host}:{port}"


def _path(name: str, of_object: bool) -> str:
    if "//" in name:
        name = re.sub("/+", "/", name)
    stripped = name.strip("/") if of_object else name.rstrip("/")
    # The root of a bucket, or of a file system.
    return stripped or name


def _without_partition(name: str) -> str:
    """Take directories at the end away that only tell one part of a dataset from the others; never the whole name."""
    parts = name.split("/")
    least = 2 if parts[0] == "" else 1
    count = len(parts)
    while count > least:
        if _PARTITION.fullmatch(parts[count - 1]):
            count -= 1
            continue
        for levels in (4, 3, 2):
            if count - levels >= least and _PARTITIONS.fullmatch("/".join(parts[count - levels : count])):
                count -= levels
                break
        else:
            break
    return "/".join(parts[:count]) if count < len(parts) else name
