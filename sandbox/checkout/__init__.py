"""Checkout sessions: what they cost, and what happens when the customer pays."""
