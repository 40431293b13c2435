"""When something is due: rules of time, as instants in UTC."""
