"""The lineage of a shop on a bad morning: 42 nodes around one late table, of every kind and state."""

from __future__ import annotations

from itertools import pairwise

from collector.web.drawing.shapes import ColumnLine, Line
from collector.web.drawing.views import EdgeView, Folded, NodeView, RowView

FOCUS = "analytics.fct_orders"

DATASETS = """
shop.public.orders | fresh | 08:02 · due 09:00
shop.public.order_items | fresh | 08:02 · due 09:00
shop.public.customers | fresh | 07:55 · due 09:00
s3://landing/payments/dt=2026-11-23 | failed | missed 07:30 · 42 min late
events.web.clicks | running | streaming · lag 4 s
ecb.fx_rates | fresh | 06:00 · due 07:00
crm.accounts | unknown | never seen updating
raw.orders | fresh | 08:05 · due 09:00
raw.order_items | fresh | 08:05 · due 09:00
raw.customers | fresh | 08:01
raw.payments | late | due 07:30 · 42 min late
raw.sessions | fresh | 08:11
raw.fx_rates | fresh | 06:02 · due 07:00
raw.crm_accounts | unknown | no deadline
analytics.stg_orders | fresh | 08:09
analytics.stg_payments | waiting | behind raw.payments
analytics.stg_sessions | fresh | 08:12
analytics.stg_customers | fresh | 08:09
analytics.fct_orders | late | due 08:00 · 12 min late
analytics.attribution | due | due 08:30 · in 18 min
analytics.dim_customer | fresh | 08:10
analytics.mart_revenue | waiting | due 09:00 · at risk
s3://finance/ledger/ | waiting | due 08:45 · predicted 09:10
qa.orders_results | fresh | 08:00
ml.ltv_features | learning | 3 runs seen
""".strip()

JOBS = """
ingest.orders_hourly | fresh | airflow | | shop.public.orders shop.public.order_items | raw.orders raw.order_items
ingest.customers | fresh | airflow | | shop.public.customers | raw.customers
payments.load_files | failed | airflow | failed 07:12 | s3://landing/payments/dt=2026-11-23 | raw.payments
clickstream.sessionize | running | flink | | events.web.clicks | raw.sessions
fx.rates_daily | fresh | airflow | | ecb.fx_rates | raw.fx_rates
crm_sync | unknown | airbyte | | crm.accounts | raw.crm_accounts
model.stg_orders | fresh | dbt | | raw.orders raw.order_items | analytics.stg_orders
model.stg_customers | fresh | dbt | | raw.customers raw.crm_accounts | analytics.stg_customers
model.stg_sessions | fresh | dbt | | raw.sessions | analytics.stg_sessions
model.stg_payments | waiting | dbt | waits for raw.payments | raw.payments | analytics.stg_payments
model.fct_orders | waiting | dbt | waits for stg_payments \
 | analytics.stg_orders analytics.stg_payments analytics.stg_customers raw.fx_rates | analytics.fct_orders
attribution | running | spark | running 6 min | analytics.stg_sessions analytics.stg_customers | analytics.attribution
model.dim_customer | fresh | dbt | | analytics.stg_customers | analytics.dim_customer
mart_revenue_daily | waiting | dbt | | analytics.fct_orders analytics.dim_customer | analytics.mart_revenue
export_finance | waiting | airflow | | analytics.fct_orders raw.customers | s3://finance/ledger/
quality.orders_suite | fresh | gx | | analytics.fct_orders | qa.orders_results
train_ltv | fresh | spark | | analytics.dim_customer analytics.attribution | ml.ltv_features
""".strip()

OPEN = {
    "analytics.stg_orders": ("order_id", "customer_id", "amount_eur", "ordered_at"),
    "analytics.fct_orders": ("order_id", "customer_key", "net_eur"),
}
ASIDE = {
    "events.web.clicks", "raw.sessions", "clickstream.sessionize", "model.stg_sessions", "analytics.stg_sessions",
    "attribution", "analytics.attribution", "model.dim_customer", "analytics.dim_customer", "train_ltv",
    "ml.ltv_features",
}  # fmt: skip
CAUSE = (
    "s3://landing/payments/dt=2026-11-23", "payments.load_files", "raw.payments", "model.stg_payments",
    "analytics.stg_payments", "model.fct_orders", "analytics.fct_orders",
)  # fmt: skip

Parts = tuple[dict[str, NodeView], list[Line], list[ColumnLine], dict[tuple[str, str], EdgeView], str]


def parts() -> Parts:
    """Give the nodes, lines, column lines, what the lines show, and the id of the focus."""
    nodes: dict[str, NodeView] = {}
    ids: dict[str, str] = {}
    for row in DATASETS.splitlines():
        name, state, line = (each.strip() for each in row.split("|"))
        ids[name] = f"n{len(ids)}"
        nodes[ids[name]] = NodeView(
            ids[name],
            "dataset",
            f"/lineage?n=dataset:{len(ids)}",
            f"dataset {name}, {state}, {line}",
            name,
            line,
            state,
            dimmed=name in ASIDE,
            focus=name == FOCUS,
            more_out=Folded(14, "?open=1", "late") if name == "s3://finance/ledger/" else None,
            more_in=Folded(3, "?open=2") if name == "shop.public.orders" else None,
            rows=tuple(RowView(each, f"?column={each}", each == "order_id") for each in OPEN.get(name, ())),
        )
    lines = []
    for row in JOBS.splitlines():
        name, state, tool, line, reads, writes = (each.strip() for each in row.split("|"))
        ids[name] = f"n{len(ids)}"
        nodes[ids[name]] = NodeView(
            ids[name],
            "job",
            f"/lineage?n=job:{len(ids)}",
            f"job {name}, {state}, {tool}",
            name,
            line,
            state,
            tool,
            dimmed=name in ASIDE,
        )
        lines += [(each, name) for each in reads.split()] + [(name, each) for each in writes.split()]
    cause = set(pairwise(CAUSE))
    edges = {(ids[a], ids[b]): EdgeView(cause=(a, b) in cause) for a, b in lines}
    drawn = [Line(ids[a], ids[b], hot=not {a, b} & ASIDE) for a, b in lines]
    source, via, target = ids["analytics.stg_orders"], ids["model.fct_orders"], ids[FOCUS]
    columns = [ColumnLine(source, row, target, row, via, indirect=row == 1) for row in range(3)]
    return nodes, drawn, columns, edges, ids[FOCUS]
