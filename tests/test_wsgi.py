"""Without its settings no server starts, and says why in one line (F172)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config import ROOT

GUNICORN = Path(sys.executable).with_name("gunicorn")
STARTS = {
    "gunicorn": ([GUNICORN, "-c", "gunicorn.conf.py", "wsgi:app"], 1),
    "gunicorn without -c": ([GUNICORN, "wsgi:app"], 1),
    "any server": ([sys.executable, "-c", "import wsgi"], 2),
    "flask": ([sys.executable, "-m", "flask", "routes"], 2),
}


@pytest.mark.parametrize("start", STARTS)
def test_start_refuses_without_a_stripe_key(start: str, tmp_path: Path) -> None:
    command, status = STARTS[start]
    environ = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/saldo.sqlite3",
        "SECRET_KEY": "a key for tests only, 32 letters",
        "STRIPE_WEBHOOK_SECRET": "whsec_saldo",
        "FLASK_SKIP_DOTENV": "1",
    }
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == status
    [line] = done.stderr.splitlines()
    assert line.startswith("saldo cannot start: STRIPE_SECRET_KEY is not set: expected sk_test_")


def test_gunicorn_does_not_read_a_dotenv_file(tmp_path: Path) -> None:
    """What a developer left lying about must not make a production server start."""
    (tmp_path / ".env").write_text("STRIPE_SECRET_KEY=sk_test_forgotten\n")
    command = [GUNICORN, "-c", ROOT / "gunicorn.conf.py", "wsgi:app"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "STRIPE_SECRET_KEY is not set" in done.stderr
