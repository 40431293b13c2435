"""Taking over a board that was filled by other means: what it holds is found, not sent again."""
