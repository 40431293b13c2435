"""The identity node: the person behind each record, questions to people, and moves as rows."""
