"""A small AdventureWorks in SQLite: the tables and columns the example reads, and made-up rows."""

from __future__ import annotations

import sqlite3

TABLES = """
create table Person (
    BusinessEntityID integer primary key, Title text, FirstName text, LastName text,
    EmailPromotion integer
);
create table Store (BusinessEntityID integer primary key, Name text);
create table Customer (
    CustomerID integer primary key, PersonID integer, StoreID integer, TerritoryID integer,
    AccountNumber text, ModifiedDate text
);
create table Product (ProductID integer primary key, Name text);
create table SalesOrderHeader (
    SalesOrderID integer primary key, SalesOrderNumber text, CustomerID integer,
    PurchaseOrderNumber text, OrderDate text, DueDate text, ShipDate text,
    OnlineOrderFlag integer, SubTotal numeric, TaxAmt numeric, Freight numeric, Comment text,
    ModifiedDate text
);
create table SalesOrderDetail (
    SalesOrderDetailID integer primary key, SalesOrderID integer, ProductID integer,
    CarrierTrackingNumber text, OrderQty integer, UnitPrice numeric, UnitPriceDiscount numeric
);
"""
FIRST_NAMES = ["Zoë", "  Łukasz ", "李", "Σοφία", "O'Neil", "Ana  María", "שרה"]
TERRITORIES = [1, 4, 9, 2]
CUSTOMERS, HEADERS, DETAILS = 40, 120, 360


def customer(n):
    return (n, n, n if n % 3 == 0 else None, TERRITORIES[n % 4], f"aw{n:08}", "2014-09-12 11:15:07")


def person(n):
    title = "Ms." if n % 2 else None
    return (n, title, FIRST_NAMES[n % len(FIRST_NAMES)], f"Müller-{n}", n % 3)


def header(n):
    shipped = None if n % 5 == 0 else f"2014-03-0{n % 9 + 1} 0{n % 9}:30:00"
    day = f"2014-02-{n % 28 + 1:02}"
    subtotal = 0 if n % 40 == 0 else n * 10.125
    return (
        n, f"SO{43_000 + n}", n % CUSTOMERS + 1, f"PO{n}" if n % 2 else None, f"{day} 00:00:00",
        day, shipped, n % 2, subtotal, subtotal * 0.08, 7.5, None, f"{day} 08:00:00",
    )  # fmt: skip


def detail(n):
    return (n, n % HEADERS + 1, n % 9 + 1, f"4911-403c-{n % 7}" if n % 4 else "", n % 12 + 1,
            2024.994, 0.02 if n % 6 == 0 else 0)  # fmt: skip


def fill(path):
    """Make the database."""
    stores = [(n, f"Bike & Co. №{n}") for n in range(1, CUSTOMERS + 1) if n % 3 == 0]
    products = [(n, f"Touring-{n}000 Gelb, 4½″") for n in range(1, 10)]
    rows = {
        "Person": map(person, range(1, CUSTOMERS + 1)),
        "Store": stores,
        "Customer": map(customer, range(1, CUSTOMERS + 1)),
        "Product": products,
        "SalesOrderHeader": map(header, range(1, HEADERS + 1)),
        "SalesOrderDetail": map(detail, range(1, DETAILS + 1)),
    }
    with sqlite3.connect(path) as conn:
        conn.executescript(TABLES)
        for table, some in rows.items():
            for row in some:
                conn.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)
    conn.close()
