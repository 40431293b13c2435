"""monday's bulk jobs: items made from a CSV file instead of by one mutation each."""
