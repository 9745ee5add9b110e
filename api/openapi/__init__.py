"""The description of the API: said once, beside the calls, and served to programs and people."""

from __future__ import annotations

from api.openapi.call import Call
from api.openapi.document import CALLS, document

__all__ = ["CALLS", "Call", "document"]
