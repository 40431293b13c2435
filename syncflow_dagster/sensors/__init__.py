"""What starts runs without a clock: pending rows."""
