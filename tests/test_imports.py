"""Who may call whom (docs/architecture.md): walks every import and names each that goes the wrong way."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import ROOT

# From the outside in; a module imports only from layers below its own. A room is a package with all that lies
# in it, or a single module; the longest name that fits decides.
LAYERS: dict[str, list[str]] = {
    "start": ["wsgi", "app"],
    "doors": ["webhooks", "api", "web", "web.staff", "commands", "worker"],
    "several verbs at once": [
        "billing.customer_import",
        "billing.fulfilment",
        "billing.landing",
        "billing.personal_data",
        "billing.reconcile",
        "billing.self_test",
        "billing.stripe_audit",
    ],
    "verbs": ["billing"],  # every module of billing/ that no other line names
    "shared": [
        "billing.accounts",
        "billing.audit_log",
        "billing.check",
        "billing.claims",
        "billing.clawback",
        "billing.credentials",
        "billing.cycle_sums",
        "billing.enforcement",
        "billing.entitlements",
        "billing.freezing",
        "billing.grace",
        "billing.influencers",
        "billing.jobs",
        "billing.limits",
        "billing.links",
        "billing.mail_transport",
        "billing.mails",
        "billing.money_invariants",
        "billing.monthly_use",
        "billing.months",
        "billing.orders",
        "billing.origins",
        "billing.paid_periods",
        "billing.payments",
        "billing.prices",
        "billing.quotas",
        "billing.refills",
        "billing.schedule",
        "billing.stripe_customers",
        "billing.stripe_facts",
        "billing.stripe_gateway",
        "billing.tally",
        "billing.till",
        "billing.usage_sums",
        "billing.yearly",
    ],
    "ledger": ["billing.ledger"],
    "models": ["billing.models"],
    "rules without a database": ["billing.pricing", "billing.catalog"],
    "base": [
        "billing.db",
        "billing.remembered",
        "billing.statements",
        "billing.trips",
        "billing.schema",
        "billing.ids",
        "billing.clock",
        "billing.money",
        "billing.spreadsheet",
        "billing.errors",
    ],
    "foundation": ["config", "logs", "metrics"],
}

# Layers whose rooms may import each other, though not in a circle. Doors and verbs know no neighbours.
NEIGHBOURLY = {"start", "several verbs at once", "shared", "rules without a database", "base"}

# Imports from a neighbour that are meant.
ALLOWED = {
    ("web.staff", "web"),  # the same layout, session and forms
    ("web.staff", "webhooks.inbox"),  # staff replay an event
    ("commands", "webhooks.inbox"),  # so does `flask stripe replay`
    ("worker", "webhooks.inbox"),  # and the worker, where an event failed
    ("commands", "worker"),  # `flask worker` starts it
}

# Libraries that may stand only in some rooms; `sandbox` is a small Stripe of its own.
ONLY_IN: dict[str, list[str]] = {
    "stripe": ["billing.stripe_gateway", "billing.stripe_facts", "sandbox"],
    "flask": ["start", "doors", "sandbox"],
    "flask_login": ["start", "doors"],
    "flask_wtf": ["start", "doors"],
    "flask_babel": ["start", "doors"],
    "flask_limiter": ["start", "doors"],
    "flask_migrate": ["start", "doors"],
    "flask_sqlalchemy": ["start", "billing.db"],
}

LAYER_OF = {room: layer for layer, rooms in LAYERS.items() for room in rooms}
DEPTH = {layer: depth for depth, layer in enumerate(LAYERS)}


def room_of(module: str) -> str | None:
    """The room a module lives in: the longest name of the table that it is or lies under."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    room = next((name for name in names if name in LAYER_OF), None)
    if room == "billing" and len(parts) > 1:
        return ".".join(parts[:2])  # each verb is a room of its own
    return room


def layer_of(room: str) -> str:
    return LAYER_OF.get(room, "verbs")


def problem(module: str, imported: str) -> str | None:
    """Why `module` may not import `imported`, or None."""
    library = imported.split(".")[0]
    room, other = room_of(module), room_of(imported)
    in_sandbox = module.split(".")[0] == "sandbox"
    if library in ONLY_IN:
        places = {"sandbox"} if in_sandbox else {room, layer_of(room)} if room else set()
        return None if places & set(ONLY_IN[library]) else f"{library} stands only in {ONLY_IN[library]}"
    if library == "sandbox" and not in_sandbox:
        return "nothing knows of the sandbox"
    if in_sandbox:
        return "the sandbox knows nothing of Saldo" if other else None
    if room is None or other is None or room == other:
        return None
    mine, its = layer_of(room), layer_of(other)
    if DEPTH[mine] < DEPTH[its] or (mine == its and mine in NEIGHBOURLY):
        return None
    if any(room == who and f"{imported}.".startswith(f"{whom}.") for who, whom in ALLOWED):
        return None
    return f"{mine} may not import {its}"


def imports_of(path: Path, module: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything a file imports, wherever in the file it does so."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            # `from billing import clock` names a module, `from billing.clock import now` a thing in one.
            yield from ((node.lineno, f"{base}.{name.name}") for name in node.names)


def modules() -> Iterator[tuple[Path, str]]:
    rooms = {room.split(".")[0] for room in LAYER_OF} | {"sandbox"}
    for room in sorted(rooms):
        for path in [ROOT / f"{room}.py", *sorted((ROOT / room).rglob("*.py"))]:
            if path.is_file():
                yield path, ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_imports_go_inward_only() -> None:
    found = list(modules())
    assert len(found) > 10
    breaches = [
        f"{path.relative_to(ROOT)}:{line} imports {imported}: {why}"
        for path, module in found
        for line, imported in imports_of(path, module)
        if (why := problem(module, imported))
    ]
    assert not breaches, "\n".join(breaches)


def test_imports_make_no_circle() -> None:
    """Not even one hidden inside a function: what needs each other is one module, or a third is missing."""
    found = {module: path for path, module in modules()}
    graph = {
        module: {_defining(imported, found) for _, imported in imports_of(path, module)} - {module, ""}
        for module, path in found.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


def _defining(imported: str, found: dict[str, Path]) -> str:
    """Our module that an imported name is, or stands in."""
    while imported and imported not in found:
        imported = imported.rpartition(".")[0]
    return imported


def test_run_imports_the_standard_library_only() -> None:
    """`run.py` runs before anything is installed."""
    names = {imported.split(".")[0] for _, imported in imports_of(ROOT / "run.py", "run")}
    assert names <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("billing.refunds", "billing.spending.debit"),
        ("billing.refunds", "flask.request"),
        ("billing.refunds", "stripe"),
        ("billing.refunds", "web.balance"),
        ("billing.refunds", "app.create_app"),
        ("billing.ledger.posting", "billing.payments"),
        ("billing.ledger.posting", "billing.stripe_facts"),
        ("billing.ledger.grants", "billing.refunds.preview_refund"),
        ("billing.payments", "billing.refunds"),
        ("billing.models.ledger", "billing.ledger.grants"),
        ("billing.db", "billing.models"),
        ("web.balance", "api.errors"),
        ("web.balance", "web.staff.search"),
        ("web.balance", "webhooks.inbox.replay"),
        ("webhooks.views", "stripe.Webhook"),
        ("api.debits", "sandbox.clock"),
        ("commands.sandbox", "sandbox"),
        ("sandbox.world", "billing.clock"),
        ("sandbox.world", "config.ROOT"),
        ("config", "billing.clock"),
    ],
)
def test_problem_names_a_wrong_direction(module: str, imported: str) -> None:
    assert problem(module, imported)


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("app", "web.register"),
        ("web.balance", "billing.accounts.read_balance"),
        ("web.balance", "web.layout"),
        ("web.staff.search", "web.login"),
        ("web.staff.inbox", "webhooks.inbox.replay"),
        ("webhooks.handlers.invoice_paid", "billing.cycle_credits"),
        ("billing.refunds", "billing.clawback"),
        ("billing.landing", "billing.purchases.fulfil_checkout"),
        ("billing.payments", "billing.ledger.grants"),
        ("billing.ledger.posting", "billing.ledger.grants"),
        ("billing.ledger.posting", "billing.models.ledger"),
        ("billing.stripe_gateway", "stripe.StripeClient"),
        ("billing.stripe_gateway", "billing.stripe_facts.read_invoice"),
        ("sandbox.webhooks", "stripe.WebhookSignature"),
        ("sandbox.pages", "flask.request"),
        ("billing.clock", "structlog"),
    ],
)
def test_problem_lets_the_right_direction_pass(module: str, imported: str) -> None:
    assert problem(module, imported) is None
