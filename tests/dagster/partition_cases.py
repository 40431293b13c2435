"""A workflow whose delta nodes are split, on a source of SQLite; it pushes nowhere."""

from __future__ import annotations

from sqlalchemy import create_engine, text

PARTS = 2
CUSTOMERS, ORDERS = 20, 60

WORKFLOW = """\
workflow: shop
description: Customers and their orders.
owner: sales
connections:
  shop: {type: sql, url: "${SHOP_URL}"}
triggers:
  - {type: cron, name: often, cron: "*/5 * * * *"}
nodes:
  - type: pull
    name: pull_customers
    description: All customers.
    connection: shop
    query: customers.sql.j2
  - type: delta
    name: customers
    description: Customers.
    source: pull_customers
    entity: customer
    table: shop_customers
    key: [code]
    partitions: 2
    fields:
      - {name: code, required: true}
      - {name: title, max_length: 10}
  - type: pull
    name: pull_orders
    description: All orders.
    connection: shop
    query: orders.sql.j2
  - type: delta
    name: orders
    description: Orders.
    source: pull_orders
    entity: order
    table: shop_orders
    key: [number]
    parent: {node: customers, key: [buyer]}
    partitions: 2
    fields:
      - {name: number, type: integer, required: true}
      - {name: buyer, required: true}
"""
#: No node is split.
WHOLE = WORKFLOW.replace("    partitions: 2\n", "")
#: The orders in one piece, the customers split.
MIXED = WORKFLOW.replace("key: [buyer]}\n    partitions: 2", "key: [buyer]}")

QUERIES = {
    "customers.sql.j2": "select code, title from customers order by code",
    "orders.sql.j2": "select number, buyer from orders order by number",
}


def fill(url):
    """Make the source: every order belongs to a customer; one customer's title is too long."""
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("create table customers (code text, title text)"))
        conn.execute(text("create table orders (number integer, buyer text)"))
        customers = [{"code": f"c{n}", "title": f"title {n}"} for n in range(CUSTOMERS)]
        customers.append({"code": "long", "title": "a long title"})
        orders = [{"number": n, "buyer": f"c{n % CUSTOMERS}"} for n in range(ORDERS)]
        conn.execute(text("insert into customers values (:code, :title)"), customers)
        conn.execute(text("insert into orders values (:number, :buyer)"), orders)
    engine.dispose()
