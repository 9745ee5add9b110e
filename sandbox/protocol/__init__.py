"""The wire: authentication, parameters, idempotency, paging, expansion, errors, faults."""
