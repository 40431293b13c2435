"""What makes workflows run: the due times that are open, and what becomes of them."""
