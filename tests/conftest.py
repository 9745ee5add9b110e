"""What every test may ask for. A test that asks for `app` (or `database_url`) runs on both engines.

`environ` holds the settings as environment variables: a module that wants others overrides that fixture, and
a test that starts processes hands it to them.
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import hypothesis
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import Migrate, upgrade
from jinja2 import FileSystemBytecodeCache
from werkzeug.routing import Rule

from app import create_app
from billing import clock as business_time
from billing import credentials
from billing.db import db
from billing.stripe_gateway import calls
from config import ROOT, Settings, load_settings
from tests.engines import ENGINES, Engine, KeptEngines

# The suite draws the same examples each time: what fails, fails again. The runs by name draw others.
hypothesis.settings.register_profile("suite", derandomize=True)
hypothesis.settings.load_profile("suite")


BEGIN_FIRST = (
    *("test_migrations", "test_properties", "test_concurrency"),
    *("test_once", "test_reconcile", "test_schemathesis"),
)
"""Files whose few tests take long: begun last, they would leave one process to work alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long; several processes take the files from here in this order."""
    items.sort(key=lambda item: item.path.stem not in BEGIN_FIRST)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what was imported: it would walk it all in almost every test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


class Clock:
    """Moves business time by the file that the server watches; real time stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = timedelta(0)

    def advance(self, delta: timedelta | None = None, **units: float) -> None:
        """Move on by a timedelta, or by its words: `clock.advance(days=31)`."""
        self.offset += delta if delta is not None else timedelta(**units)
        # Replaced, not rewritten: another process never reads half a number.
        with tempfile.NamedTemporaryFile("w", dir=self.path.parent, delete=False) as new:
            new.write(str(self.offset.total_seconds()))
        os.replace(new.name, self.path)


def environ_for(url: str) -> dict[str, str]:
    """Settings in test mode for a server on this database."""
    return {
        "DATABASE_URL": url,
        "SECRET_KEY": "a key for tests only, 32 letters",
        "STRIPE_SECRET_KEY": "sk_test_saldo",
        "STRIPE_WEBHOOK_SECRET": "whsec_saldo",
        "STRIPE_API_BASE": "http://127.0.0.1:9",  # nobody answers there: no test reaches Stripe by accident
        "PUBLIC_URL": "http://127.0.0.1:8000",
    }


@contextmanager
def rules_only(url: str) -> Iterator[None]:
    """The database without any door in front of it: what migrations and tests of rules need."""
    app = _app_without_doors(url)
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def _app_without_doors(url: str) -> Flask:
    app = Flask("saldo", root_path=str(ROOT))
    app.config["SQLALCHEMY_DATABASE_URI"] = url.replace("postgresql://", "postgresql+psycopg://")
    db.init_app(app)
    Migrate(app, db)
    return app


def _migrate(url: str) -> None:
    with rules_only(url):
        upgrade(str(ROOT / "migrations"))


@pytest.fixture(scope="session")
def engines() -> Iterator[dict[str, Engine]]:
    """The engines started so far; `database_url` starts the one that it needs."""
    started: dict[str, Engine] = {}
    yield started
    for engine in started.values():
        engine.close()


def started(name: str, engines: dict[str, Engine]) -> Engine:
    """The engine of this name, started if it is needed for the first time."""
    if name not in engines:
        engines[name] = ENGINES[name](_migrate)
    return engines[name]


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    """One engine after the other, for a test that wants several databases or an empty one."""
    return started(request.param, engines)


@pytest.fixture
def database_url(engine: Engine) -> Iterator[str]:
    """A database of this test's own, with the newest schema and no rows; on SQLite, then on PostgreSQL."""
    url = engine.fresh()
    yield url
    engine.drop(url)


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[Clock]:
    """Business time, to be moved: `clock.advance(days=31)`. The server under test follows it."""
    clock = Clock(tmp_path / "clock")
    business_time.configure(clock.path)
    yield clock
    business_time.configure(None)


@pytest.fixture(scope="session")
def kept_engines() -> KeptEngines:
    """What SQLAlchemy has compiled in one test serves the next."""
    return KeptEngines()


@pytest.fixture
def database(database_url: str, clock: Clock, kept_engines: KeptEngines) -> Iterator[None]:
    """A database in reach of `transaction()`, with no server around it: for tests of the rules."""
    app = _app_without_doors(database_url)
    kept_engines.lend(app)
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def environ(database_url: str, clock: Clock, tmp_path: Path) -> dict[str, str]:
    """The server's settings in test mode, as environment variables."""
    mail = tmp_path / "mail"
    mail.mkdir()
    return environ_for(database_url) | {"TEST_CLOCK_FILE": str(clock.path), "MAIL_URL": f"file://{mail}"}


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    """The server's settings in test mode."""
    return load_settings(environ)


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Each template is compiled once, not once for each test's server."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> None:
    """Argon2 with the least work it allows: what passwords cost an attacker is not what tests ask."""
    credentials.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def quick_retries() -> None:
    """Hardly a gap between tries at Stripe: how long they grow is not what tests wait for."""
    calls.FIRST_GAP_SECONDS = 0.02


@pytest.fixture(scope="session", autouse=True)
def compiled_routes() -> None:
    """Each address is compiled once, not once for each test's server."""
    compile_rule, kept = Rule.compile, {}  # type: ignore[var-annotated]

    def compile_once(rule: Rule) -> None:
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), rule.merge_slashes)
        if key not in kept:
            compile_rule(rule)
            builders = [builder.__func__ for builder in (rule._build, rule._build_unknown)]  # type: ignore[attr-defined]
            kept[key] = rule._parts, rule._trace, rule._converters, set(rule.arguments), builders
            return
        rule._parts, rule._trace, rule._converters, arguments, builders = kept[key]
        rule.arguments |= arguments
        rule._build, rule._build_unknown = (builder.__get__(rule, None) for builder in builders)

    Rule.compile = compile_once  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def leave_alone_what_stays() -> None:
    """Keep the garbage collector from walking all modules and tests again and again; so does the server."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.fixture
def app(settings: Settings, compiled_templates: FileSystemBytecodeCache, kept_engines: KeptEngines) -> Iterator[Flask]:
    """A server of this test's own, with its context pushed: `db`, the catalog and all verbs are at hand."""
    app = create_app(settings)
    kept_engines.lend(app)
    app.testing = True
    app.jinja_env.bytecode_cache = compiled_templates
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser or an app in front of `app`, without a network in between."""
    return app.test_client()
