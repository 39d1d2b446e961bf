"""What runs in the shop: who starts when, what it reads and writes, and how long it takes."""

from __future__ import annotations

from typing import Final

from collector.demo import tables as t
from collector.demo.dbt_projects import CORE, FINANCE
from collector.demo.model import HOUR, MINUTE, SECOND, Check, Flow, Step, Tool

AIRFLOW: Final = "airflow-prod"
PREFECT: Final = "prefect_prod"

SHOP_PG: Final = Flow(
    "shop_pg",
    Tool.DLT,
    "dlt-shop",
    (
        Step(
            "load",
            writes=(t.CUSTOMERS, t.ORDERS, t.ORDER_ITEMS, t.PRODUCTS),
            seconds=70,
        ),
    ),
    owner="data-platform",
    every=2 * HOUR,
    live=150 * SECOND,
    offset=5 * MINUTE,
    fingerprint="r7FtJZ18aIlaIoeSroVb",
)
ZENDESK: Final = Flow(
    "zendesk_tickets",
    Tool.DLT,
    "dlt-shop",
    (Step("load", writes=(t.TICKETS,), seconds=210),),
    owner="crm",
    at=150,
    fingerprint="r7FtJZ18aIlaIoeSroVb",
)
ADS: Final = Flow(
    "ads",
    Tool.AIRFLOW,
    AIRFLOW,
    (
        Step("load_campaigns", (), (t.AD_CAMPAIGNS_LOADED,), 12, sql="COPY ads.campaigns FROM STDIN"),
        Step("load_costs", (), (t.AD_COSTS_LOADED,), 41, sql="COPY ads.costs FROM STDIN"),
    ),
    owner="growth",
    at=185,
    description="campaigns and what they cost, from the network's API",
    tags=("growth", "daily"),
    day_before=True,
)
INGEST: Final = Flow(
    "ingest",
    Tool.AIRFLOW,
    AIRFLOW,
    (
        Step(
            "orders_hourly",
            (t.STATUS_LOG,),
            (t.ORDER_STATUS,),
            24,
            sql="INSERT INTO raw.order_status SELECT order_id, status, changed_at FROM orders_db.status_log "
            "WHERE changed_at >= %(data_interval_start)s AND changed_at < %(data_interval_end)s",
        ),
    ),
    owner="data-platform",
    every=2 * HOUR,
    live=110 * SECOND,
    offset=20 * MINUTE,
    description="changes of orders, from the shop's database",
    tags=("orders", "hourly"),
)
PAYMENT_FILES: Final = Flow(
    "payments",
    Tool.AIRFLOW,
    AIRFLOW,
    (
        Step("wait_for_files", seconds=95),
        Step(
            "load_files",
            (t.PSP_PAYMENTS,),
            (t.PAYMENTS,),
            16 * 60,
            sql="COPY raw.payments FROM 's3://shop-landing/psp/payments/{{ ds }}.csv' WITH (FORMAT csv, HEADER)",
        ),
        Step(
            "load_chargebacks",
            (t.PSP_CHARGEBACKS,),
            (t.CHARGEBACKS,),
            25,
            after=("wait_for_files",),
            sql="COPY raw.chargebacks FROM 's3://shop-landing/psp/chargebacks/{{ ds }}.csv' WITH (FORMAT csv, HEADER)",
        ),
        Step("dbt_finance", after=("load_files", "load_chargebacks"), runs="finance"),
        Step(
            "export_revenue",
            (t.REVENUE_DAILY,),
            (t.REVENUE_EXPORT,),
            12 * 60,
            sql="SELECT day, country, orders, revenue_eur, fees_eur FROM finance.revenue_daily WHERE day = '{{ ds }}'",
        ),
    ),
    owner="finance-data",
    at=75,
    description="files of the payment provider, and all that is made of them",
    tags=("finance", "daily"),
    day_before=True,
)
INVENTORY: Final = Flow(
    "inventory",
    Tool.AIRFLOW,
    AIRFLOW,
    (
        Step(
            "load_stock",
            (t.WMS_STOCK,),
            (t.STOCK_LEVELS,),
            64,
            sql="COPY raw.stock_levels FROM 's3://shop-landing/wms/stock/'",
        ),
        Step(
            "check_stock",
            (t.STOCK_LEVELS,),
            seconds=4,
            checks=(Check("expression_is_true"), Check("not_null", "sku")),
            sql="SELECT COUNT(*) > 0 FROM raw.stock_levels",
        ),
        Step(
            "build_stock_daily",
            (t.STOCK_LEVELS, t.FCT_ORDERS),
            (t.STOCK_DAILY,),
            48,
            sql="INSERT INTO supply.stock_daily SELECT s.counted_at::date, s.sku, sum(s.quantity), count(o.order_id) "
            "FROM raw.stock_levels s LEFT JOIN marts.fct_orders o USING (day) GROUP BY 1, 2",
            derives={"day": ("stock_levels.counted_at",), "sold": ("fct_orders.order_id",)},
        ),
        Step(
            "build_reorder_list",
            (t.STOCK_DAILY, t.SUPPLIER_PRICES),
            (t.REORDER_LIST,),
            12,
            sql="INSERT INTO supply.reorder_list SELECT s.sku, 100 - s.quantity, p.price, p.supplier "
            "FROM supply.stock_daily s JOIN raw.supplier_prices p USING (sku) WHERE s.quantity < 100",
            derives={"price": ("supplier_prices.price",), "supplier": ("supplier_prices.supplier",)},
        ),
    ),
    owner="supply",
    at=70,
    description="stock of all sites",
    tags=("supply", "daily"),
    day_before=True,
)
PARTNERS: Final = Flow(
    "partners",
    Tool.AIRFLOW,
    AIRFLOW,
    (
        Step(
            "export_product_feed",
            (t.DIM_PRODUCTS,),
            (t.PRODUCT_FEED,),
            31,
            sql="SELECT sku, product, category FROM marts.dim_products",
        ),
    ),
    owner="growth",
    at=130,
    description="what partners may sell",
    tags=("daily",),
)
SESSIONS: Final = Flow(
    "clickstream_sessions",
    Tool.SPARK,
    "spark-prod",
    (
        Step(
            "append_data.lake_page_views",
            (t.BRONZE_CLICKS,),
            (t.PAGE_VIEWS,),
            95,
            derives={"view_id": ("clicks.event_id",), "viewed_at": ("clicks.at",)},
        ),
        Step(
            "overwrite_partitions_dynamic.lake_sessions",
            (t.PAGE_VIEWS,),
            (t.SESSIONS,),
            120,
            derives={
                "session_id": ("page_views.visitor",),
                "started_at": ("page_views.viewed_at",),
                "views": ("page_views.view_id",),
            },
        ),
        Step(
            "atomic_replace_table_as_select.lake_session_features",
            (t.SESSIONS,),
            (t.SESSION_FEATURES,),
            60,
            derives={
                "visits": ("sessions.session_id",),
                "views_per_visit": ("sessions.views",),
                "last_visit": ("sessions.started_at",),
            },
        ),
    ),
    owner="growth",
    every=6 * HOUR,
    live=9 * MINUTE,
    offset=30 * MINUTE,
)
TRAINING: Final = Flow(
    "train_recommendations",
    Tool.SPARK,
    "spark-prod",
    (
        Step(
            "execute_insert_into_hadoop_fs_relation_command.models_recommendations",
            (t.SESSION_FEATURES, t.FCT_ORDERS),
            (t.RECOMMENDATIONS,),
            52 * 60,
            derives={"score": ("session_features.views_per_visit", "session_features.visits")},
        ),
    ),
    owner="growth",
    at=12,
)
ENRICHMENT: Final = Flow(
    "click_enrichment",
    Tool.FLINK,
    "flink-prod",
    (Step("", (t.CLICKS,), (t.CLICKS_ENRICHED, t.BRONZE_CLICKS)),),
    owner="growth",
    every=2 * HOUR,
    live=12 * SECOND,
)
VALIDATION: Final = Flow(
    "order_events",
    Tool.FLINK,
    "flink-prod",
    (Step("", (t.ORDER_EVENTS,), (t.ORDERS_VALIDATED,)),),
    owner="data-platform",
    every=2 * HOUR,
    live=25 * SECOND,
    offset=10 * SECOND,
)
RATES: Final = Flow(
    "fx-rates",
    Tool.PREFECT,
    PREFECT,
    (Step("fetch_rates", seconds=3), Step("store_rates", (), (t.FX_RATES,), 4)),
    owner="finance-data",
    every=6 * HOUR,
    live=4 * MINUTE,
    offset=15 * MINUTE,
)
SUPPLIERS: Final = Flow(
    "supplier-feed",
    Tool.PREFECT,
    PREFECT,
    (Step("download_prices", seconds=140), Step("load_prices", (), (t.SUPPLIER_PRICES,), 65)),
    owner="supply",
    at=110,
)
BOARD: Final = Flow(
    "board-report",
    Tool.PREFECT,
    PREFECT,
    (
        Step("collect_figures", (t.REVENUE_DAILY, t.CASH_POSITION), (t.BOARD_PACK,), 35),
        Step("send_pack", seconds=6),
    ),
    owner="finance-data",
)
CLOSING: Final = Flow(
    "close-day",
    Tool.PREFECT,
    PREFECT,
    (Step("close_books", (t.PAYMENTS, t.STOCK_DAILY), (t.CLOSED_DAYS,), 14),),
    owner="finance-data",
)

FLOWS: Final = (
    SHOP_PG, ZENDESK, ADS, INGEST, PAYMENT_FILES, INVENTORY, PARTNERS, CORE, SESSIONS, TRAINING, ENRICHMENT,
    VALIDATION, RATES, SUPPLIERS,
)  # fmt: skip
"""What starts by the clock."""

STARTED: Final = {flow.name: flow for flow in (FINANCE, BOARD, CLOSING)}
"""What something else starts."""
