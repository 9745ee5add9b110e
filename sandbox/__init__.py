"""A local stand-in for Stripe, for development and tests only: no money moves.

It speaks the part of Stripe's API that Saldo uses, in the shapes of the version named by
:data:`sandbox.settings.API_VERSION`. Nothing else in the project imports it, and it imports nothing of the project.
"""
