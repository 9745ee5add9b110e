"""`app`, found by gunicorn (`wsgi:app`) and by `flask` of itself; with a wrong setting nothing starts."""

from __future__ import annotations

import sys

import logs
from app import create_app
from billing import schema
from billing.errors import SaldoError
from config import SettingsError, load_settings

_serving = "gunicorn.arbiter" in sys.modules

try:
    _settings = load_settings()
    logs.configure(_settings.log_level)
    app = create_app(_settings)
    if _serving:  # `flask db upgrade` must start on an old schema
        with app.app_context():
            schema.require_current()
except (SettingsError, SaldoError) as error:
    print(f"saldo cannot start: {error}", file=sys.stderr)
    # 2 is what "could not" is to every `flask` command; gunicorn stops only at 4, else it tries for ever.
    sys.exit(4 if _serving else 2)
