"""The tag node: rules put tags on Salesforce records, as planned, approved and consented to."""
