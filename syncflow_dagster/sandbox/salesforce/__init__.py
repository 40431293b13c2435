"""A fake Salesforce org: REST, Bulk API 2.0, consent and the identity service, over HTTP."""
