"""Monday push: delta rows become groups, items, subitems and statuses of a monday.com board."""
