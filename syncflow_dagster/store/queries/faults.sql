-- What the fault matrix asks of the store, and how it thins the example's order book.

-- name: unsettled
select exists (
    select from effect where state not in ('DONE', 'DEAD', 'CANCELLED', 'WAITING')
) as unsettled;

-- name: thin_orders
delete from order_list where order_number between %(first)s and %(last)s;

-- name: thin_sizes
delete from order_list_sizes where order_number between %(first)s and %(last)s;
