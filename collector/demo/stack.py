"""What runs in the shop: who starts when, what it reads and writes, and how long it takes."""

from __future__ import annotations

from typing import Final

from collector.demo import tables as t
from collector.demo.model import HOUR, MINUTE, SECOND, Check, Flow, Step, Tool

AIRFLOW: Final = "airflow-prod"
PREFECT: Final = "prefect_prod"

UNIQUE: Final = "unique"
NOT_NULL: Final = "not_null"

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
FINANCE: Final = Flow(
    "finance",
    Tool.DBT,
    "dbt-finance",
    (
        Step(
            "stg_payments",
            (t.PAYMENTS,),
            (t.STG_PAYMENTS,),
            2,
            after=(),
            derives={"payment_id": ("payments.id",)},
        ),
        Step(
            "fct_payments",
            (t.STG_PAYMENTS, t.FX_RATES),
            (t.FCT_PAYMENTS,),
            19 * 60,
            after=("stg_payments",),
            derives={
                "amount_eur": ("stg_payments.amount", "stg_payments.currency"),
                "fee_eur": ("stg_payments.fee", "stg_payments.currency"),
            },
            checks=(
                Check(UNIQUE, "payment_id"),
                Check(NOT_NULL, "payment_id"),
                Check(NOT_NULL, "amount_eur"),
            ),
        ),
        Step(
            "revenue_daily",
            (t.FCT_PAYMENTS, t.FCT_ORDERS, t.DIM_CUSTOMERS),
            (t.REVENUE_DAILY,),
            10 * 60,
            after=("fct_payments",),
            derives={
                "day": ("fct_payments.paid_at",),
                "orders": ("fct_orders.order_id",),
                "revenue_eur": ("fct_payments.amount_eur",),
                "fees_eur": ("fct_payments.fee_eur",),
            },
            checks=(Check(NOT_NULL, "day"), Check("accepted_range", "revenue_eur")),
        ),
        Step(
            "margin_by_product",
            (t.FCT_PAYMENTS, t.STG_ORDER_ITEMS, t.DIM_PRODUCTS),
            (t.MARGIN_BY_PRODUCT,),
            6 * 60,
            after=("fct_payments",),
            derives={
                "day": ("fct_payments.paid_at",),
                "revenue_eur": ("fct_payments.amount_eur",),
                "margin_eur": ("fct_payments.amount_eur", "dim_products.cost", "stg_order_items.quantity"),
            },
        ),
        Step(
            "cash_position",
            (t.FCT_PAYMENTS, t.CHARGEBACKS),
            (t.CASH_POSITION,),
            9,
            after=("fct_payments",),
            derives={
                "day": ("fct_payments.paid_at",),
                "settled_eur": ("fct_payments.amount_eur", "fct_payments.fee_eur"),
                "open_eur": ("fct_payments.amount_eur", "chargebacks.amount"),
            },
        ),
    ),
    owner="finance-data",
    tags=("finance",),
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
            checks=(Check("expression_is_true"), Check(NOT_NULL, "sku")),
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
CORE: Final = Flow(
    "warehouse",
    Tool.DBT,
    "dbt-core",
    (
        Step(
            "stg_customers",
            (t.CUSTOMERS,),
            (t.STG_CUSTOMERS,),
            2,
            after=(),
            sql="select id as customer_id, first_name, last_name, lower(email) as email, country, created_at\n"
            'from "shop"."raw"."customers"',
            derives={"customer_id": ("customers.id",)},
        ),
        Step(
            "stg_orders",
            (t.ORDERS,),
            (t.STG_ORDERS,),
            2,
            after=(),
            derives={"order_id": ("orders.id",)},
            checks=(
                Check(UNIQUE, "order_id"),
                Check(NOT_NULL, "order_id"),
                Check("accepted_values", "status", "warn"),
            ),
        ),
        Step(
            "stg_order_items",
            (t.ORDER_ITEMS,),
            (t.STG_ORDER_ITEMS,),
            2,
            after=(),
            derives={
                "order_id": ("orders__items._dlt_id",),
                "line_total": ("orders__items.quantity", "orders__items.unit_price"),
            },
        ),
        Step(
            "stg_products",
            (t.PRODUCTS,),
            (t.STG_PRODUCTS,),
            2,
            after=(),
            derives={"product": ("products.name",)},
        ),
        Step(
            "stg_tickets",
            (t.TICKETS,),
            (t.STG_TICKETS,),
            2,
            after=(),
            derives={"ticket_id": ("tickets.id",), "hours_open": ("tickets.created_at", "tickets.solved_at")},
        ),
        Step(
            "stg_ad_costs",
            (t.AD_CAMPAIGNS, t.AD_COSTS),
            (t.STG_AD_COSTS,),
            2,
            after=(),
            derives={"campaign": ("campaigns.name",)},
        ),
        Step("dim_products", (t.STG_PRODUCTS,), (t.DIM_PRODUCTS,), 5, after=("stg_products",)),
        Step(
            "fct_orders",
            (t.STG_ORDERS, t.STG_ORDER_ITEMS),
            (t.FCT_ORDERS,),
            26,
            after=("stg_orders", "stg_order_items"),
            sql="select o.order_id, o.customer_id, o.status, o.placed_at, count(*) as items, sum(i.line_total) as "
            'items_total, o.total\nfrom "shop"."staging"."stg_orders" o\njoin "shop"."staging"."stg_order_items" i '
            "using (order_id)\ngroup by 1, 2, 3, 4, 7",
            derives={"items": ("stg_order_items.sku",), "items_total": ("stg_order_items.line_total",)},
            checks=(Check(UNIQUE, "order_id"), Check(NOT_NULL, "customer_id")),
        ),
        Step(
            "dim_customers",
            (t.STG_CUSTOMERS, t.FCT_ORDERS),
            (t.DIM_CUSTOMERS,),
            22,
            after=("stg_customers", "fct_orders"),
            derives={"first_order_at": ("fct_orders.placed_at",), "orders": ("fct_orders.order_id",)},
            checks=(Check(UNIQUE, "customer_id"), Check(NOT_NULL, "customer_id")),
        ),
        Step(
            "customer_ltv",
            (t.DIM_CUSTOMERS, t.FCT_ORDERS),
            (t.CUSTOMER_LTV,),
            17,
            after=("dim_customers",),
            derives={"lifetime_value": ("fct_orders.total",)},
        ),
        Step(
            "support_daily",
            (t.STG_TICKETS, t.DIM_CUSTOMERS),
            (t.SUPPORT_DAILY,),
            4,
            after=("stg_tickets", "dim_customers"),
            derives={"tickets": ("stg_tickets.ticket_id",)},
        ),
        Step(
            "campaign_roi",
            (t.STG_AD_COSTS, t.FCT_ORDERS),
            (t.CAMPAIGN_ROI,),
            7,
            after=("stg_ad_costs", "fct_orders"),
            derives={"revenue": ("fct_orders.total",)},
        ),
    ),
    owner="data-platform",
    every=12 * HOUR,
    live=6 * MINUTE,
    offset=45 * MINUTE,
    tags=("core",),
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
