"""One file for each event that matters; `webhooks.registry` says why it does.

`prepare` reads what is missing from Stripe, with no transaction open, and returns the effect: the inbox runs it in
the transaction that marks the event handled.
"""
