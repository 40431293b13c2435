-- The order book as the ERP system keeps it: what the example workflow reads.
-- No primary keys: a real order book has duplicates, and so does this one.

create table if not exists order_list (
    company             text not null,
    order_number        text not null,
    customer_name       text,
    customer_code       text,
    po_number           text,
    style               text,
    style_description   text,
    colour              text,
    season              text,
    category            text,
    order_type          text,
    order_date          date,
    ex_factory_date     date,
    customer_due_date   text, -- typed in by hand
    destination_country text, -- ISO 3166 code of two letters
    ship_mode           text,
    unit_price          numeric(12, 2),
    currency            text,
    order_status        text,
    priority            text,
    buyer_email         text,
    tracking_url        text,
    approved            boolean,
    notes               text,
    updated_at          timestamp with time zone not null
);

create index if not exists order_list_order_number on order_list (order_number);

create table if not exists order_list_sizes (
    company          text not null,
    order_number     text not null,
    style            text,
    production_stage text,
    xs               integer,
    s                integer,
    m                integer,
    l                integer,
    xl               integer,
    xxl              integer,
    s_28             integer,
    s_30             integer,
    s_32             integer,
    s_34             integer,
    s_36             integer,
    s_38             integer,
    s_40             integer,
    one_size         integer,
    updated_at       timestamp with time zone not null
);

create index if not exists order_list_sizes_order_number on order_list_sizes (order_number);
