"""The two dbt projects of the shop: orders and customers, and finance."""

from __future__ import annotations

from typing import Final

from collector.demo import tables as t
from collector.demo.model import HOUR, MINUTE, Check, Flow, Step, Tool

UNIQUE: Final = "unique"
NOT_NULL: Final = "not_null"

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
