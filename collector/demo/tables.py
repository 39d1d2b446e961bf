"""The tables, files and topics of the shop."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from collector.demo.model import Table, columns

WAREHOUSE: Final = "postgres://warehouse.shop.internal:5432"
SHORT: Final = "postgres://warehouse:5432"
ORDERS_DB: Final = "postgres://orders-db.shop.internal:5432"
LANDING: Final = "s3://shop-landing"
LAKE: Final = "s3://shop-lake"
EXPORTS: Final = "s3://shop-exports"
KAFKA: Final = "kafka://broker.shop.internal:9092"


def _table(schema: str, name: str, fields: str, about: str, rows: int, owner: str | None = None) -> Table:
    return Table(WAREHOUSE, f"shop.{schema}.{name}", columns(fields), about, owner, rows)


def _dlt(name: str, fields: str, about: str, rows: int) -> Table:
    return _table("raw", name, f"{fields}, _dlt_load_id text, _dlt_id text", about, rows)


def _lake(name: str, fields: str, about: str, rows: int) -> Table:
    path, link = f"warehouse/lake/{name}", (f"{LAKE}/warehouse", f"lake.{name}")
    return Table(LAKE, path, columns(fields), about, "growth", rows, link)


# --- where data come from --------------------------------------------------------------------------------------

STATUS_LOG: Final = Table(
    ORDERS_DB,
    "orders.public.status_log",
    columns("order_id int8, status text, changed_at timestamptz"),
)
PSP_PAYMENTS: Final = Table(LANDING, "psp/payments")
PSP_CHARGEBACKS: Final = Table(LANDING, "psp/chargebacks")
WMS_STOCK: Final = Table(LANDING, "wms/stock")
CLICKS: Final = Table(KAFKA, "clicks.raw", columns("event_id string, url string, visitor string, at long"))
ORDER_EVENTS: Final = Table(KAFKA, "orders.events", columns("order_id long, kind string, at long"))

# --- raw -------------------------------------------------------------------------------------------------------

CUSTOMERS: Final = _dlt(
    "customers",
    "id bigint, first_name text, last_name text, email text, country text, created_at timestamp, "
    "marketing_opt_in boolean",
    "Everybody who has an account",
    420,
)
ORDERS: Final = _dlt(
    "orders",
    "id bigint, customer_id bigint, status text, currency text, total numeric(12;2), placed_at timestamp",
    "Orders as the shop has them",
    1_900,
)
ORDER_ITEMS: Final = _dlt(
    "orders__items", "sku text, quantity bigint, unit_price double precision", "Lines of orders", 4_300
)
PRODUCTS: Final = _dlt(
    "products",
    "sku text, name text, category text, cost double precision, active boolean",
    "What is sold",
    260,
)
TICKETS: Final = _dlt(
    "tickets",
    "id bigint, customer_id bigint, subject text, channel text, created_at timestamp, solved_at timestamp",
    "Questions of customers",
    640,
)
AD_CAMPAIGNS: Final = _table(
    "ads", "campaigns", "campaign_id int8, name text, network text, budget numeric", "Campaigns", 38
)
AD_COSTS: Final = _table(
    "ads", "costs", "campaign_id int8, day date, clicks int8, cost numeric", "What campaigns cost", 310
)
AD_CAMPAIGNS_LOADED: Final = replace(AD_CAMPAIGNS, namespace=SHORT)
AD_COSTS_LOADED: Final = replace(AD_COSTS, namespace=SHORT)
"""The same as their loader calls them, whose connection has the short name of the host. Nobody has said so yet."""

ORDER_STATUS: Final = _table(
    "raw", "order_status", "order_id int8, status text, changed_at timestamptz", "Changes of orders", 5_200
)
PAYMENTS: Final = _table(
    "raw",
    "payments",
    "id int8, order_id int8, method text, amount numeric, fee numeric, currency text, paid_at timestamptz, batch text",
    "Payments, from the files of the payment provider",
    21_400,
)
CHARGEBACKS: Final = _table(
    "raw",
    "chargebacks",
    "payment_id int8, amount numeric, reason text, at timestamptz, batch text",
    "Payments that were taken back",
    130,
)
FX_RATES: Final = _table("raw", "fx_rates", "", "Rates of the central bank", 32)
SUPPLIER_PRICES: Final = _table("raw", "supplier_prices", "", "What suppliers ask", 8_800)
STOCK_LEVELS: Final = _table(
    "raw", "stock_levels", "sku text, site text, quantity int4, counted_at timestamptz", "Stock", 12_600
)

# --- dbt: core -------------------------------------------------------------------------------------------------

STG_CUSTOMERS: Final = _table(
    "staging",
    "stg_customers",
    "customer_id bigint, first_name text, last_name text, email text, country text, created_at timestamp",
    "Cleaned customers",
    0,
    "crm",
)
STG_ORDERS: Final = _table(
    "staging",
    "stg_orders",
    "order_id bigint, customer_id bigint, status text, total numeric(12;2), placed_at timestamp",
    "Cleaned orders",
    0,
    "data-platform",
)
STG_ORDER_ITEMS: Final = _table(
    "staging",
    "stg_order_items",
    "order_id bigint, sku text, quantity bigint, unit_price double precision, line_total double precision",
    "Lines of orders",
    0,
    "data-platform",
)
STG_PRODUCTS: Final = _table(
    "staging",
    "stg_products",
    "sku text, product text, category text, cost double precision",
    "Products",
    0,
    "supply",
)
STG_TICKETS: Final = _table(
    "staging",
    "stg_tickets",
    "ticket_id bigint, customer_id bigint, channel text, hours_open double precision",
    "Tickets",
    0,
    "crm",
)
STG_AD_COSTS: Final = _table(
    "staging",
    "stg_ad_costs",
    "campaign_id bigint, campaign text, day date, clicks bigint, cost double precision",
    "Costs of campaigns",
    0,
    "growth",
)
DIM_CUSTOMERS: Final = _table(
    "marts",
    "dim_customers",
    "customer_id bigint, first_name text, last_name text, email text, country text, first_order_at timestamp, "
    "orders bigint",
    "One row a customer",
    184_000,
    "crm",
)
DIM_PRODUCTS: Final = _table(
    "marts",
    "dim_products",
    "sku text, product text, category text, cost double precision",
    "Products",
    9_400,
    "supply",
)
FCT_ORDERS: Final = _table(
    "marts",
    "fct_orders",
    "order_id bigint, customer_id bigint, status text, placed_at timestamp, items bigint, "
    "items_total double precision, total numeric(12;2)",
    "One row an order; amounts in EUR",
    22_500,
    "data-platform",
)
CUSTOMER_LTV: Final = _table(
    "marts", "customer_ltv", "customer_id bigint, country text, lifetime_value double precision", "Worth of customers",
    184_000, "crm",
)  # fmt: skip
SUPPORT_DAILY: Final = _table(
    "marts",
    "support_daily",
    "day date, channel text, tickets bigint, hours_open double precision",
    "Support",
    46,
    "crm",
)
CAMPAIGN_ROI: Final = _table(
    "marts", "campaign_roi", "day date, campaign text, cost double precision, revenue double precision", "Returns", 310,
    "growth",
)  # fmt: skip

# --- dbt: finance ----------------------------------------------------------------------------------------------

STG_PAYMENTS: Final = _table(
    "finance",
    "stg_payments",
    "payment_id bigint, order_id bigint, method text, amount numeric, fee numeric, currency text, paid_at timestamp",
    "Cleaned payments",
    0,
    "finance-data",
)
FCT_PAYMENTS: Final = _table(
    "finance",
    "fct_payments",
    "payment_id bigint, order_id bigint, method text, amount_eur numeric, fee_eur numeric, paid_at timestamp",
    "One row a payment; amounts in EUR",
    21_400,
    "finance-data",
)
REVENUE_DAILY: Final = _table(
    "finance",
    "revenue_daily",
    "day date, country text, orders bigint, revenue_eur numeric, fees_eur numeric",
    "Revenue of a day by country",
    27,
    "finance-data",
)
MARGIN_BY_PRODUCT: Final = _table(
    "finance",
    "margin_by_product",
    "day date, sku text, revenue_eur numeric, cost double precision, margin_eur numeric",
    "Margin of a day by product",
    6_100,
    "finance-data",
)
CASH_POSITION: Final = _table(
    "finance",
    "cash_position",
    "day date, method text, settled_eur numeric, open_eur numeric",
    "Cash",
    9,
    "finance-data",
)

# --- the rest --------------------------------------------------------------------------------------------------

STOCK_DAILY: Final = _table(
    "supply", "stock_daily", "day date, sku text, quantity int4, sold int8", "Stock and sales", 9_300
)
REORDER_LIST: Final = _table(
    "supply", "reorder_list", "sku text, quantity int4, price numeric, supplier text", "What to order", 540
)
BOARD_PACK: Final = _table("reporting", "board_pack", "", "Figures for the board", 64)
CLOSED_DAYS: Final = _table("reporting", "closed_days", "", "Days that are closed", 1)
REVENUE_EXPORT: Final = Table(
    EXPORTS, "finance/revenue_daily", REVENUE_DAILY.fields, "For the tax adviser", rows=27
)
PRODUCT_FEED: Final = Table(
    EXPORTS,
    "partners/product_feed",
    columns("sku text, product text, category text"),
    "For partners",
    rows=9_400,
)
CLICKS_ENRICHED: Final = Table(
    KAFKA, "clicks.enriched", columns("event_id string, url string, visitor string, country string, at long")
)
ORDERS_VALIDATED: Final = Table(KAFKA, "orders.validated", ORDER_EVENTS.fields)
BRONZE_CLICKS: Final = Table(LAKE, "bronze/clicks", CLICKS_ENRICHED.fields, "Clicks as files", rows=240_000)
PAGE_VIEWS: Final = _lake(
    "page_views",
    "view_id string, url string, visitor string, country string, viewed_at timestamp",
    "Page views",
    610_000,
)
SESSIONS: Final = _lake(
    "sessions",
    "session_id string, visitor string, country string, started_at timestamp, views int, customer_id long",
    "Visits",
    74_000,
)
SESSION_FEATURES: Final = _lake(
    "session_features",
    "customer_id long, visits int, views_per_visit double, last_visit timestamp",
    "Features",
    31_000,
)
RECOMMENDATIONS: Final = Table(
    LAKE,
    "models/recommendations",
    columns("customer_id long, sku string, score double"),
    "Recommendations",
    "growth",
    920_000,
)
