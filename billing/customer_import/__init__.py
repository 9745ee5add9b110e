"""Bringing customers along from an earlier system: who they are, what they have, which subscription pays for them.

First the whole file is read and checked, each line by itself and against what is here and at Stripe; only a file
without a mistake is brought in. Each row is one transaction and happens once, so that a file may be run again.
"""

from billing.customer_import.bringing import ImportReport, import_customers
from billing.customer_import.reading import Problem, Row, UnreadableFile, read_rows

__all__ = ["ImportReport", "Problem", "Row", "UnreadableFile", "import_customers", "read_rows"]
