"""`python -m api.openapi > docs/openapi.json`"""

from __future__ import annotations

import json

from api.openapi import document

print(json.dumps(document(), indent=1, ensure_ascii=False))
