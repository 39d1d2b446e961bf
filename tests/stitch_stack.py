"""A made-up stack of some 2,000 tables under the names that several tools give them, and how well they are joined.

The same table names come again and again: in every team, schema, tenant and environment. Each name has the table that
it stands for, or none where it stands for several or for no table at all.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import networkx as nx

from lineage.identity import Rules
from lineage.model import DatasetRef, entity_id
from lineage.naming import normal
from lineage.stitch import Candidate, Facts, Suggestion

TEAMS = ("shop", "billing", "crm", "logistics", "ads", "risk", "support", "catalog")
TABLES = (
    "orders", "customers", "payments", "users", "items", "products", "invoices", "refunds", "shipments", "events",
    "sessions", "accounts", "addresses", "carts", "coupons", "reviews", "tickets", "agents", "campaigns", "clicks",
    "leads", "contracts", "plans", "prices", "stock", "suppliers", "warehouses", "routes", "vehicles", "drivers",
    "claims", "policies", "scores", "limits", "alerts", "messages", "calls", "surveys", "segments", "audits",
)  # fmt: skip
USUAL = ("id", "created_at", "updated_at", "status", "name", "customer_id", "amount", "country")

Table = Hashable | None
"""What a name stands for; None: several tables, or none."""


@dataclass
class Stack:
    """Names and what they stand for; ``candidates`` are what the suggestions are made from."""

    rng: random.Random
    meant: dict[DatasetRef, Table] = field(default_factory=dict)
    facts: dict[DatasetRef, Facts] = field(default_factory=dict)
    columns: dict[Hashable, frozenset[str]] = field(default_factory=dict)

    def add(
        self,
        namespace: str,
        name: str,
        table: Table,
        role: str = "",
        *,
        share: float = 1.0,
        own: str = "",
        job: str = "",
    ) -> None:
        """Add a name; ``role`` holds w if the tool writes it and r if it reads it, ``share`` of columns is known.

        Each namespace has a job that writes and one that reads, unless ``job`` is another's.
        """
        ref = DatasetRef(namespace, name)
        known = sorted(self.columns.get(table, frozenset()) if not own else self.of(own))
        kept = frozenset(self.rng.sample(known, round(len(known) * share)))
        self.meant[ref] = table
        writers, readers = (
            frozenset({entity_id("job", job) if job else entity_id(kind, namespace)})
            if kind in role
            else frozenset[int]()
            for kind in ("w", "r")
        )
        self.facts[ref] = self.facts.get(ref, Facts()) | Facts(kept, writers, readers)

    def table(self, key: Hashable, kind: str) -> Hashable:
        """Make a table; those of one kind have most of their columns in common."""
        special = (f"{kind}_{self.rng.choice('abcdefgh')}{n}" for n in range(self.rng.randint(1, 4)))
        self.columns[key] = self.of(kind) | frozenset(special)
        return key

    def of(self, kind: str) -> frozenset[str]:
        """Give the columns that all tables of a kind have."""
        return frozenset(USUAL[: 2 + len(kind) % 6]) | {f"{kind}_{part}" for part in ("key", "type", "date")}

    @property
    def candidates(self) -> list[Candidate]:
        return candidates(self.facts)


def candidates(facts: Mapping[DatasetRef, Facts]) -> list[Candidate]:
    """Give names as candidates; those with the same normal form are one dataset already."""
    return [Candidate(ref, normal(ref)[0].id, known) for ref, known in facts.items()]


def make(seed: int) -> Stack:
    """Make a stack."""
    stack = Stack(random.Random(seed))
    for number, team in enumerate(TEAMS):
        _warehouse(stack, team, number)
    _environments(stack)
    _tenants(stack)
    _snowflake(stack)
    _odds_and_ends(stack)
    return stack


def _warehouse(stack: Stack, team: str, number: int) -> None:
    """A team's PostgreSQL: dlt loads it, dbt models it, others read it, each in its own way of naming."""
    rng, host = stack.rng, f"pg-{team}.internal"
    dbt, dlt = f"postgres://{host}:5432", f"dlt.destinations.postgres://{rng.getrandbits(96):x}"
    raw = rng.sample(TABLES, 36)
    for kind in raw:
        table = stack.table((team, "raw", kind), kind)
        stack.add(dlt, f"raw.{kind}", table, "w")
        stack.add(
            f"{team}-ingest", kind, None, "rw", own=kind
        )  # the API's resource, and where no table is known
        if rng.random() < 0.85:
            stack.add(dbt, f"{team}.raw.{kind}", table, "r", share=rng.choice((1.0, 1.0, 0.6, 0)))
        if number % 2 and rng.random() < 0.4:
            stack.add(f"{team}-sqlmesh", f'"{team}"."raw"."{kind}"', table, "r", share=0.6)
        if number % 3 == 0 and rng.random() < 0.3:  # scripts that know the host without its domain
            stack.add(
                f"postgres://pg-{team}:5432", f"{team}.raw.{kind}", table, "r", share=rng.choice((1.0, 0))
            )
    for schema in ("staging", "marts"):
        for kind in rng.sample(raw, 28):
            table = stack.table((team, schema, kind), kind)
            stack.add(dbt, f"{team}.{schema}.{kind}", table, "wr" if schema == "staging" else "w")
            if number % 4 == 1:  # a second wrapper of dbt, that puts the database where the host belongs
                stack.add(
                    f"postgres://{team}",
                    f"{schema}.{kind}",
                    table,
                    "wr" if schema == "staging" else "w",
                    share=0,
                )
            if schema == "marts" and number % 2 == 0 and rng.random() < 0.5:  # a dashboard
                stack.add(f"{team}-bi", f"{team}.marts.{kind}", table, "r", share=rng.choice((0.8, 0.5)))
    for kind in rng.sample(raw, 10):
        stack.add(dbt, f"{team}.dbt_test__audit.not_null_{kind}_id", ("audit", team, kind), "w")
        stack.add(f"{team}-dagster", f"{team}/{kind}", ("asset", team, kind), "w")
    for kind in rng.sample(raw, 12):
        table = stack.table((team, "sm", kind), kind)
        if number % 2:  # does not agree with itself about quotes
            stack.add(f"{team}-sqlmesh", f"{team}.sm.{kind}", table, "w")
            stack.add(f"{team}-sqlmesh", f'"{team}"."sm"."{kind}"', table, "r", share=0)


def _environments(stack: Stack) -> None:
    """Development and production of one warehouse: the same schemas and tables on two servers, each with its load."""
    hosts = {"prod": "10.1.0.4", "dev": "10.2.0.4"}
    loads = {name: f"dlt.destinations.postgres://{stack.rng.getrandbits(96):x}" for name in hosts}
    for kind in TABLES[:32]:
        production = stack.table(("dwh", "prod", kind), kind)
        development = stack.table(("dwh", "dev", kind), kind)
        for name, table in (("prod", production), ("dev", development)):
            if name == "dev" and stack.rng.random() < 0.4:
                continue
            stack.add(loads[name], f"landing.{kind}", table, "w")
            stack.add(f"postgres://{hosts[name]}:5432", f"dwh.landing.{kind}", table, "r")
            stack.add(f"postgres://{hosts[name]}:5432", f"dwh.core.{kind}", (name, "core", kind), "wr")
    # The same with three alike, of which nobody knows the columns.
    for number in range(3):
        load = f"dlt.destinations.postgres://{stack.rng.getrandbits(96):x}"
        for kind in TABLES[:8]:
            stack.add(load, f"lab.{kind}", ("lab", number, kind), "w")
            stack.add(f"postgres://10.3.0.{number}:5432", f"lab.lab.{kind}", ("lab", number, kind), "r")


def _tenants(stack: Stack) -> None:
    """A database for each tenant, with the same tables, on a MySQL and on a PostgreSQL server."""
    mysql, loaded = "mysql://tenants.internal:3306", "dlt.destinations.mysql://77aa01"
    for tenant in range(24):
        for kind in TABLES[:14]:
            table = stack.table(("mysql", tenant, kind), kind)
            stack.add(mysql, f"tenant_{tenant:03}.{kind}", table, "r", share=stack.rng.choice((1.0, 0.7)))
            if tenant < 6:
                stack.add(loaded, f"tenant_{tenant:03}.{kind}", table, "w")
    for tenant in range(16):
        for kind in TABLES[:12]:
            table = stack.table(("multi", tenant, kind), kind)
            stack.add("postgres://multi.internal:5432", f"t{tenant:03}.public.{kind}", table, "w")
            if tenant < 4:
                stack.add("export-jobs", f'"t{tenant:03}"."public"."{kind}"', table, "r", share=0.7)
    # One load that writes to no tenant in particular: it may be any.
    for kind in TABLES[:12]:
        stack.add("dlt.destinations.postgres://0b5e55ed", f"public.{kind}", None, "w", own=kind)


def _snowflake(stack: Stack) -> None:
    """The letter case of one account's names depends on who asks."""
    account = "snowflake://acme-main"
    for kind in TABLES[:36]:
        for schema in ("MARTS", "CORE", "FINANCE"):
            table = stack.table(("snowflake", schema, kind), kind)
            stack.add(account, f"ANALYTICS.{schema}.{kind.upper()}", table, "w")
            if schema != "FINANCE" and stack.rng.random() < 0.4:
                stack.add(account, f"analytics.{schema.lower()}.{kind}", table, "r", share=0.8)


def _odds_and_ends(stack: Stack) -> None:
    """One server under two addresses; a federated engine; files; topics of two clusters."""
    for kind in TABLES[:20]:
        table = stack.table(("erp", kind), kind)
        stack.add("postgres://10.0.3.7:5433", f"erp.public.{kind}", table, "w")
        stack.add("postgres://erp-db.internal:5433", f"erp.public.{kind}", table, "r", share=0.9)
        local = stack.table(("local", kind), kind)
        stack.add("postgres://localhost:15432", f"play.public.{kind}", local, "w")
        stack.add("postgres://127.0.0.1:15432", f"play.public.{kind}", local, "r")
        for cluster in ("eu", "us"):
            stack.add(f"kafka://{cluster}.kafka:9092", kind, (cluster, "topic", kind), "wr")
        lake = stack.table(("lake", kind), kind)
        stack.add("s3://lake", f"landing/{kind}", lake, "w")
        stack.add("s3a://lake", f"/landing/{kind}/", lake, "r")
        stack.add("s3://lake-dev", f"landing/{kind}", ("lake-dev", kind), "wr")
        # Many pipelines, many files, and one name for them all.
        stack.add("dlt.destinations.duckdb://duckdb", f"raw.{kind}", None, "w", own=kind)
        # A job that copies every table to another server, under the same name.
        stack.add(
            "postgres://oltp.internal:5432",
            f"app.public.{kind}",
            stack.table(("oltp", kind), kind),
            "r",
            job="copy",
        )
        stack.columns["copy", kind] = stack.columns["oltp", kind]
        stack.add("postgres://olap.internal:5432", f"app.public.{kind}", ("copy", kind), "w", job="copy")
        # Scripts that work on any team's tables, and do not say whose.
        team = stack.rng.choice([team for team in TEAMS if (team, "raw", kind) in stack.columns])
        stack.add("scripts", f"raw.{kind}", (team, "raw", kind), "r", share=0.7)
    for kind in TABLES[:8]:
        # Through Trino: another technology, and a catalog for a database. Nobody could tell from the names.
        stack.add("trino://trino.internal:8080", f"pg_erp.public.{kind}", ("erp", kind), "r", share=0.6)


# --- measuring --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quality:
    """How good the suggestions are.

    ``precision`` is over the suggested pairs, ``precision_first`` over the best 50 of them. ``recall`` is the share of
    the true pairs of names (of one table, and not one dataset by normal forms and symlinks already) that are one
    dataset once the rules of all suggestions are applied; ``precision_joined`` the share of true ones among the pairs
    of names that these rules join.
    """

    suggestions: int
    precision_first: float
    precision: float
    precision_joined: float
    recall: float
    true_pairs: int
    missed: Counter[tuple[str, str]] = field(repr=False)
    """True pairs that are not joined, by their namespaces."""
    wrong: list[Suggestion] = field(repr=False)


def measure(
    suggestions: Sequence[Suggestion],
    meant: Mapping[DatasetRef, Table],
    known: Iterable[Candidate],
    first: int = 50,
) -> Quality:
    """Compare suggestions with what the names mean."""
    sets = {candidate.ref: candidate.set_id for candidate in known}
    right = [meant[each.one] is not None and meant[each.one] == meant[each.other] for each in suggestions]
    rules = Rules({rule for each in suggestions for rule in each.rules})
    graph: nx.Graph[Hashable] = nx.Graph((ref, set_id) for ref, set_id in sets.items())
    graph.add_edges_from((ref, other.ref) for ref in sets for other in rules.other_names(ref))
    together = {
        pair
        for component in nx.connected_components(graph)
        for pair in _pairs(ref for ref in component if isinstance(ref, DatasetRef) and ref in sets)
        if sets[pair[0]] != sets[pair[1]]
    }
    by_table: defaultdict[Table, list[DatasetRef]] = defaultdict(list)
    for ref in sets:
        by_table[meant[ref]].append(ref)
    true = {
        pair
        for table, refs in by_table.items()
        if table is not None
        for pair in _pairs(refs)
        if sets[pair[0]] != sets[pair[1]]
    }
    return Quality(
        len(suggestions),
        _share(right[:first]),
        _share(right),
        len(together & true) / max(len(together), 1),
        len(together & true) / max(len(true), 1),
        len(true),
        Counter((one.namespace, other.namespace) for one, other in true - together),
        [each for each, fits in zip(suggestions, right, strict=True) if not fits],
    )


def _pairs(refs: Iterable[DatasetRef]) -> Iterator[tuple[DatasetRef, DatasetRef]]:
    yield from combinations(sorted(refs), 2)


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 1.0
