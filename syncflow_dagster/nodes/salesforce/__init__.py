"""Salesforce: the client of an org, reading, writing and consent."""
