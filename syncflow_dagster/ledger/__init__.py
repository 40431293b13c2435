"""Effects: claimed, delivered once, reconciled, counted against budgets."""
