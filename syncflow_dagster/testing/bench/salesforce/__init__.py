"""Reading an org by Bulk API 2.0, beside its floor and beside simple-salesforce."""
