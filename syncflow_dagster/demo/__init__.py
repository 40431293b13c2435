"""What `make demo` and `make dev` need beside the product: an order book to read from."""
