"""SOQL: conditions, checked against what a describe tells, written as queries and evaluated."""
