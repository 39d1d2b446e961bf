"""The commands that ask the graph, over what real tools sent and what was made by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collector.cli import main
from collector.storage.engine import Database
from collector.times import now_us
from lineage.model import DatasetRef, Direction
from tests.catalog import HOUR, NOON, Catalog

Ask = Callable[..., list[str]]

EVENTS = Path(__file__).parents[3] / "fixtures" / "events"
PG = "postgres://127.0.0.1:15432"
FCT_ORDERS = f"dataset:{PG}:shop.analytics_marts.fct_orders"
STG_ORDERS = f"dataset:{PG}:shop.analytics_staging.stg_orders"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(item) for item in arguments], catch_exceptions=False)


@pytest.fixture
def ask(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command; give the lines that it writes, without those that tell of more."""
    monkeypatch.chdir(tmp_path)

    def ask(*arguments: object) -> list[str]:
        result = invoke(*arguments, "-d", database_url)
        assert result.exit_code == 0, result.stderr
        return [line.rstrip() for line in result.stdout.splitlines()]

    return ask


@pytest.fixture
def answer(ask: Ask) -> Callable[..., Any]:
    """Run a command for JSON."""
    return lambda *arguments: json.loads("\n".join(ask(*arguments, "--format", "json")))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a database with what dbt, dlt, sqlmesh and the Python client sent about one shop."""
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    tools = [EVENTS / tool for tool in ("dbt", "dlt", "sqlmesh", "openlineage-python")]
    assert invoke("ingest", *tools, "-d", f"sqlite:///{path}").exit_code == 0
    yield path
    shutil.rmtree(path.parent)


@pytest.fixture
def ask_shop(shop: Path) -> Ask:
    """Run a command over the shop."""

    def ask(*arguments: object) -> list[str]:
        result = invoke(*arguments, "-d", f"sqlite:///{shop}")
        assert result.exit_code == 0, result.stderr
        return [line.rstrip() for line in result.stdout.splitlines()]

    return ask


@pytest.fixture
def stack(database_url: str) -> None:
    """Write raw -> load -> orders -> report -> sales; the load has failed since."""
    database = Database(database_url)
    with database.write() as conn:
        catalog = Catalog(conn)
        ids = {name: catalog.dataset(name) for name in ("raw", "orders", "sales")}
        for job, read, written in (("load", "raw", "orders"), ("report", "orders", "sales")):
            ids[job] = catalog.job(job)
            run = catalog.run(ids[job], f"run of {job}", now_us() - HOUR, ended_at=now_us() - HOUR)
            catalog.edge(ids[job], ids[read], Direction.INPUT, opened_by=run)
            catalog.edge(ids[job], ids[written], Direction.OUTPUT, opened_by=run)
            catalog.update(ids[written], run, now_us() - HOUR)
        catalog.facet(ids["report"], "ownership", {"owners": [{"name": "the [b] team"}]})
        catalog.run(ids["load"], "bad", now_us(), state="FAIL", ended_at=NOON, error="disk full")
    database.close()


@pytest.mark.usefixtures("stack")
def test_impact_names_consumers_with_what_is_known(ask: Ask, answer: Callable[..., Any]) -> None:
    lines = ask("impact", "dataset:shop:raw")
    assert lines[0].split() == ["distance", "node"]
    assert [line.split() for line in lines[1::2]] == [
        ["1", "job", "shop:load"],
        ["2", "dataset", "shop:orders"],
        ["3", "job", "shop:report"],
        ["4", "dataset", "shop:sales"],
    ]
    assert lines[2].split()[0] == "FAIL"
    assert lines[6].endswith("· owned by the [b] team")
    assert [item["depth"] for item in answer("impact", "dataset:shop:raw")["items"]] == [1, 2, 3, 4]
    assert ask("impact", "dataset:shop:sales") == ["Nothing is made from dataset:shop:sales."]


@pytest.mark.usefixtures("stack")
def test_root_cause_explains_itself(ask: Ask, answer: Callable[..., Any]) -> None:
    why = "The newest run of load failed at 2026-11-22T12:00:00Z: disk full."
    assert ask("root-cause", "dataset:shop:sales") == [
        f"First in line: {why}",
        "dataset shop:sales",
        "└── failed  job shop:load",
        f"    ├── {why}",
        "    └── load → orders → report → sales",
    ]
    assert answer("root-cause", "dataset:shop:sales")["causes"][0]["fault"] == "failed"
    assert ask("root-cause", "dataset:shop:raw")[0].startswith("Nothing upstream explains it")


@pytest.mark.usefixtures("stack")
def test_paths_and_single_points(ask: Ask, answer: Callable[..., Any]) -> None:
    assert ask("paths", "dataset:shop:raw", "dataset:shop:sales") == [
        "4 edges",
        "    dataset shop:raw",
        "  → job shop:load",
        "  → dataset shop:orders",
        "  → job shop:report",
        "  → dataset shop:sales",
    ]
    assert ask("paths", "dataset:shop:sales", "dataset:shop:raw", "--undirected", "--level", "dataset") == [
        "2 edges",
        "    dataset shop:sales",
        "  ← dataset shop:orders  by report",
        "  ← dataset shop:raw  by load",
    ]
    none = "No data get from dataset:shop:sales to dataset:shop:raw in 20 edges."
    assert ask("paths", "dataset:shop:sales", "dataset:shop:raw") == [none]
    assert ask("spof", "dataset:shop:sales")[:2] == [
        "job shop:report",
        "  everything passes it · cuts off 3 other nodes · distance 1",
    ]
    assert ask("spof", "dataset:shop:raw") == [
        "No node stands alone between dataset:shop:raw and its sources."
    ]
    assert answer("paths", "dataset:shop:raw", "dataset:shop:sales")["paths"][0]["length"] == 4
    assert answer("spof", "dataset:shop:sales")["items"][0]["name"] == "report"


@pytest.mark.usefixtures("stack")
def test_cycles_and_orphans(ask: Ask, answer: Callable[..., Any], database_url: str) -> None:
    assert ask("cycles") == ["No cycle among 4 edges."]
    assert ask("orphans") == [
        "read, but never written",
        "  dataset shop:raw",
        "written, but never read",
        "  dataset shop:sales",
    ]
    assert ask("orphans", "--never-read", "--namespace", "other") == ["written, but never read: none"]
    found = answer("orphans")
    assert [item["name"] for page in found.values() for item in page["items"]] == ["raw", "sales"]
    database = Database(database_url)
    with database.write() as conn:
        catalog = Catalog(conn)
        back = catalog.job("back")
        for name, direction in (("sales", Direction.INPUT), ("raw", Direction.OUTPUT)):
            catalog.edge(back, DatasetRef("shop", name).id, direction)
    database.close()
    lines = ask("cycles")
    assert (lines[0], len(lines)) == ("3 datasets are made of each other; a way round:", 5)
    assert ask("cycles", "job:shop:load") == lines
    assert answer("cycles")["cycles"][0]["size"] == 3


@pytest.mark.usefixtures("stack")
def test_diff_and_changes(ask: Ask, answer: Callable[..., Any]) -> None:
    lines = ask("diff", "--from", "2026-11-22T11:00:00Z", "--to", "2026-11-22T12:00:00Z", "--limit", 4)
    text = "\n".join(lines)
    assert text.count("+  2026-11-22T12:00:00Z") == 4
    assert "COMPLETE run of load" in text
    assert "Nodes that came:" in lines
    assert "Nodes that went:" not in lines
    found = answer("diff", "job:shop:load", "--from", "2026-11-22T11:00:00Z", "--depth", 1)
    assert {edge["run"]["run_id"] for edge in found["edges"]} == {"run of load"}
    assert ask("diff", "--from", "2026-11-23") == ["Nothing came, and nothing went."]
    lines = ask("changes", "dataset:shop:sales", "--since", "2026-11-22T11:00:00Z")
    assert any(line.endswith("now reads dataset:shop:raw") for line in lines)
    assert answer("changes", "dataset:shop:raw", "--since", "2026-11-22T11:00:00Z")["items"] == []


def test_every_page_of_a_diff_is_read(ask: Ask, database_url: str) -> None:
    database = Database(database_url)
    with database.write() as conn:
        catalog = Catalog(conn)
        job, same, new = catalog.job("j"), catalog.dataset("same"), catalog.dataset("new")
        for number in range(20):
            end = None if number == 19 else NOON + number + 1
            catalog.edge(job, same, Direction.OUTPUT, NOON + number, valid_to=end)
        catalog.edge(job, new, Direction.OUTPUT, NOON + 50)
    database.close()
    lines = ask("diff", "--from", "2026-11-22T12:00:00Z", "--limit", 1)
    assert [line for line in lines if line.startswith("+")] != []
    assert any("shop:new" in line for line in lines)


def test_questions_that_cannot_be_answered(ask: Ask, database_url: str) -> None:
    for arguments in (["impact", "dataset:no:thing"], ["spof", "nonsense"], ["paths", "job:a:b", "job:a:c"]):
        assert invoke(*arguments, "-d", database_url).exit_code == 1, arguments
    for arguments in (
        ["diff"],
        ["diff", "--from", "2026-01-02", "--to", "2026-01-01"],
        ["changes", "job:a:b"],
    ):
        assert invoke(*arguments, "-d", database_url).exit_code == 2, arguments


def test_what_real_tools_sent_is_explained(ask_shop: Ask) -> None:
    cause = ask_shop("root-cause", f"dataset:{PG}:shop.analytics_marts.dim_customers")
    assert any("failed  job jaffle-dbt:model.jaffle_shop.dim_customers" in line for line in cause)
    assert any("A check on shop.analytics_staging.stg_orders failed" in line for line in cause)
    way = ask_shop("paths", STG_ORDERS, FCT_ORDERS)
    assert "  → job jaffle-dbt:shop.analytics_marts.jaffle_shop.fct_orders" in way
    consumers = ask_shop("impact", f"column:{PG}:shop.raw.customers:email")
    assert consumers[0].split() == ["distance", "affected", "node"]
    assert any(line.split()[1:2] == ["yes"] and line.endswith("stg_customers") for line in consumers)
    assert any("Derived: email" in line for line in consumers)
    changed = ask_shop("changes", FCT_ORDERS, "--since", "2026-11-22T05:34:00Z")
    assert any("now reads dataset:" in line for line in changed)
    assert any(line.endswith("sql changed") for line in changed)
