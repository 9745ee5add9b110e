"""`run.py`: what it makes up it keeps, what the user says wins, and what it starts it ends."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from config import ROOT, load_settings

NAMES = ("SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE", "TEST_CLOCK_FILE")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`run.py` in a folder of its own, with this environment's packages and none of its settings."""
    for name in (*NAMES, "DATABASE_URL", "PUBLIC_URL", "PORT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "run.py").write_bytes((ROOT / "run.py").read_bytes())
    (tmp_path / ".venv").symlink_to(sys.prefix)
    specification = importlib.util.spec_from_file_location("run_in_test", tmp_path / "run.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.LOGS.mkdir(parents=True)
    return module


def test_free_port_moves_on_when_one_is_taken(run: Any) -> None:
    port = run.free_port(20_000)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        assert run.free_port(port) > port
    assert run.free_port(port) == port


def test_prepare_makes_up_settings_that_start_a_server_and_keeps_them(run: Any) -> None:
    env, sandbox = run.prepare_environment()
    settings = load_settings({name: value for name, value in env.items() if name != "DATABASE_URL"})
    assert not settings.livemode
    assert settings.stripe_api_base == sandbox
    assert settings.public_url == f"http://127.0.0.1:{settings.port}"
    again, _ = run.prepare_environment()
    assert {name: again[name] for name in NAMES} == {name: env[name] for name in NAMES}
    # What `flask …` in another terminal reads is what the server got, and nobody else may read it.
    assert {name: env[name] for name in dotenv_values(run.DEMO_ENV)} == dotenv_values(run.DEMO_ENV)
    assert set(NAMES) <= set(dotenv_values(run.DEMO_ENV))
    assert stat.S_IMODE(run.DEMO_ENV.stat().st_mode) == 0o600


def test_prepare_lets_the_environment_win_over_dotenv_and_both_over_the_demo(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = """postgresql://u:it's "$1" \\ 100%@db/saldo"""
    (run.ROOT / ".env").write_text("SECRET_KEY=from dotenv, long enough\nPORT=23456\nLOG_LEVEL=\n")
    monkeypatch.setenv("PORT", "23457")
    monkeypatch.setenv("DATABASE_URL", url)
    env, sandbox = run.prepare_environment()
    assert sandbox is not None
    assert env["SECRET_KEY"] == "from dotenv, long enough"
    assert env["DATABASE_URL"] == dotenv_values(run.DEMO_ENV)["DATABASE_URL"] == url
    assert 23457 <= int(env["PORT"]) < 23557
    assert "LOG_LEVEL" not in env


def test_prepare_starts_no_sandbox_beside_a_key_of_the_user(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_own")
    env, sandbox = run.prepare_environment()
    assert sandbox is None
    assert env["STRIPE_SECRET_KEY"] == "sk_test_own"
    assert not {"STRIPE_API_BASE", "TEST_CLOCK_FILE", "STRIPE_WEBHOOK_SECRET"} & set(env)


def test_prepare_refuses_a_live_key(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo has logins that everybody knows: they have no place where real money moves."""
    monkeypatch.setenv("STRIPE_SECRET_KEY", "rk_live_own")
    with pytest.raises(run.Failed, match="STRIPE_SECRET_KEY is a live key"):
        run.prepare_environment()


def test_remember_key_keeps_what_seed_tells_only_once(run: Any) -> None:
    logins = {"customer": {"email": "a@example.com", "password": "x"}}
    first = logins | {"api_key": "sk_saldo_1"}
    assert run.remember_key({}, first) == first
    assert run.remember_key({}, logins | {"api_key": None}) == first
    # Another database has another key.
    elsewhere = {"DATABASE_URL": "postgresql://db/saldo"}
    assert run.remember_key(elsewhere, {"api_key": "sk_saldo_2"}) == {"api_key": "sk_saldo_2"}
    assert run.remember_key({}, logins | {"api_key": None}) == first
    assert stat.S_IMODE(run.DEMO_KEYS.stat().st_mode) == 0o600


def test_first_screen_does_not_show_a_password_that_somebody_changed(run: Any) -> None:
    login = {"email": "a@example.com", "password": None}
    seeded = {"customer": login, "staff": login, "api_key": None}
    assert "password (you changed it)" in run.first_screen("http://127.0.0.1:8000", seeded, None)


def test_reset_removes_the_demo_and_nothing_else(run: Any) -> None:
    run.prepare_environment()
    run.remember_key({}, {"api_key": "sk_saldo_1"})
    for name in ("saldo.sqlite3", "saldo.sqlite3-wal", "sandbox.sqlite3", "clock", "log/server.log", "mine.txt"):
        (run.INSTANCE / name).write_text("x")
    run.FLASKENV.symlink_to(run.DEMO_ENV)
    assert run.main(["reset"]) == 0
    assert sorted(path.name for path in run.INSTANCE.iterdir()) == ["mine.txt", "run.lock"]
    assert not run.FLASKENV.is_symlink()
    assert run.main(["reset"]) == 0


def test_reset_refuses_while_saldo_runs(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (run.INSTANCE / "clock").write_text("0")
    with run.only_one_running():
        assert run.main(["reset"]) == 1
    assert "running in this folder already" in capsys.readouterr().err
    assert (run.INSTANCE / "clock").exists()


def test_install_does_nothing_when_the_lock_file_has_not_changed(run: Any) -> None:
    """So it works without a network once it has worked: this lock file could not be installed."""
    run.VENV.unlink()
    (run.VENV / "bin").mkdir(parents=True)
    run.PYTHON.symlink_to(sys.executable)
    lock = run.ROOT / "some.lock"
    lock.write_text("this is no requirement\n")
    with pytest.raises(run.Failed, match="pip could not install"):
        run.install("some.lock")
    (run.VENV / ".some.lock.installed").write_text(hashlib.sha256(lock.read_bytes()).hexdigest())
    run.install("some.lock")
    lock.write_text("nor is this\n")
    with pytest.raises(run.Failed, match="pip could not install"):
        run.install("some.lock")


def test_unknown_command_explains_itself(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["serve"]) == 2
    assert "python3 run.py reset" in capsys.readouterr().err


def start_file_server(run: Any, processes: Any) -> int:
    port: int = run.free_port(21_000)
    command = ["http.server", "--bind", "127.0.0.1", str(port)]
    processes.start("files", f"http://127.0.0.1:{port}", *command)
    return port


def test_stop_ends_what_was_started(run: Any) -> None:
    processes = run.Processes(dict(os.environ))
    port = start_file_server(run, processes)
    processes.check()
    processes.stop()
    assert run.free_port(port) == port


def test_stop_kills_what_does_not_listen_with_all_its_children(run: Any) -> None:
    (run.ROOT / "stubborn.py").write_text(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('child.pid', 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    run.STOP_SECONDS = 0.2
    processes = run.Processes(dict(os.environ))
    processes.start("stubborn", None, "stubborn")
    pid_file = run.ROOT / "child.pid"
    wait_until(lambda: pid_file.exists() and pid_file.read_text())
    processes.stop()
    wait_until(lambda: not is_running(int(pid_file.read_text())))


def test_check_says_which_ended_and_its_last_words(run: Any) -> None:
    (run.ROOT / "mortal.py").write_text("raise SystemExit('out of ink')")
    processes = run.Processes(dict(os.environ))
    with pytest.raises(run.Failed, match=r"the printer ended \(1\):\nout of ink"):
        processes.start("printer", "http://127.0.0.1:9", "mortal")


def wait_until(condition: Any, seconds: float = 10) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
