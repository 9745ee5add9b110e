"""`flask credits`: give somebody credits, or see what they have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
from flask.cli import AppGroup

from billing import accounts, adjustments, clock, money, monthly_reset, quotas, usage
from billing.ledger import history
from billing.ledger.balances import BalanceView, GrantView
from billing.ledger.history import EntryView
from commands.customers import customer_named
from commands.output import FINDING, as_json, credits, explains, time, write_json

LAST_ENTRIES = 10

group = AppGroup("credits", help="Give credits, and see what somebody has.")


class Moment(click.ParamType):
    """A time with its zone, RFC 3339; a date alone is its first moment in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware time that the text says."""
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is no time such as 2026-11-24T18:00:00Z", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


@group.command("add")
@click.argument("customer")
@click.argument("amount")
@click.option("--description", required=True, help="Why; the customer can read it.")
@click.option("--expires-at", type=Moment(), help="When they end; never by default.")
@as_json
@explains
def add(customer: str, amount: str, description: str, expires_at: datetime | None, as_json: bool) -> None:
    """Give CUSTOMER a number of credits."""
    micro = money.parse_credits(amount)
    account_id = customer_named(customer).account_id
    entry = adjustments.grant_credits(account_id, micro, description, "operator", expires_at=expires_at)
    balance = accounts.read_balance(account_id)
    if as_json:
        write_json({"entry": _write_entry(entry), "balance": credits(balance.balance)})
        return
    click.echo(f"{money.format_credits_plain(entry.amount)} credits for {customer}: {entry.id}")
    click.echo(f"available now: {money.format_credits_plain(balance.available)}")


@group.command("show")
@click.argument("customer")
@click.option("--detailed", is_flag=True, help="Grants and the last entries, too.")
@as_json
@explains
def show(customer: str, detailed: bool, as_json: bool) -> None:
    """Show what CUSTOMER has."""
    account_id = customer_named(customer).account_id
    balance = accounts.read_balance(account_id)
    entries = history.list_entries(account_id, limit=LAST_ENTRIES).entries if detailed else []
    if as_json:
        shown = _write_balance(customer, balance)
        if detailed:
            shown["grants"] = [_write_grant(grant) for grant in balance.grants]
            shown["entries"] = [_write_entry(entry) for entry in entries]
        write_json(shown)
        return
    for name, amount in _figures(balance).items():
        click.echo(f"{name:<10} {money.format_credits_plain(amount):>16}")
    if detailed:
        _print_grants(balance.grants)
        _print_entries(entries)


@group.command("reset-monthly")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@as_json
@explains
def reset_monthly(dry_run: bool, as_json: bool) -> None:
    """Give due refills and set monthly quotas back to unused, for everybody, now."""
    done = monthly_reset.reset_monthly(dry_run=dry_run)
    if as_json:
        counts = [{"customer": each.customer, "resource": each.resource, "used": each.used} for each in done.quotas]
        write_json({"dry_run": dry_run, "refills": done.refills, "quotas": counts})
        return
    for customer in done.refills:
        click.echo(f"{customer}: refill {'due' if dry_run else 'given'}")
    for each in done.quotas:
        click.echo(f"{each.customer}: {each.resource} {'would go' if dry_run else 'went'} from {each.used} to 0")
    click.echo(f"{len(done.refills)} refills, {len(done.quotas)} quotas")


@group.command("reset-quota")
@click.argument("customer")
@click.argument("resource")
@click.option("--reason", required=True, help="Why; it is kept.")
@as_json
@explains
def reset_quota(customer: str, resource: str, reason: str, as_json: bool) -> None:
    """Set what CUSTOMER has used of RESOURCE back to nothing, also where the limit is for a lifetime."""
    view = quotas.reset_quota(customer_named(customer).account_id, resource, reason=reason, actor="operator")
    if as_json:
        write_json({"resource": view.resource, "limit": view.limit, "used": view.used, "period": view.period})
        return
    click.echo(f"{customer}: {resource} is back to {view.used} of {view.limit}")


@group.command("refusals")
@click.option("--since", type=Moment(), help="From when on; by default 30 days ago.")
@as_json
@explains
def refusals(since: datetime | None, as_json: bool) -> None:
    """Say what observing has let through that enforcing would have refused."""
    now = clock.now()
    found = usage.list_refusals(since or now - timedelta(days=30), now + timedelta(seconds=1))
    if as_json:
        write_json({"data": [_write_refusal(each) for each in found]})
    else:
        for each in found:
            price = money.format_credits_plain(each.amount)
            action = each.action or "(an amount)"
            click.echo(
                f"{action:<24} {each.reason:<13} {each.calls:>8} times, {each.customers} customers, {price} credits"
            )
        if not found:
            click.echo("Nothing would have been refused.")
    if found:
        raise SystemExit(FINDING)


def _write_refusal(refusal: usage.Refusal) -> dict[str, Any]:
    return {
        "action": refusal.action,
        "reason": refusal.reason,
        "calls": refusal.calls,
        "customers": refusal.customers,
        "amount": credits(refusal.amount),
    }


def _figures(balance: BalanceView) -> dict[str, int]:
    return {
        "available": balance.available,
        "balance": balance.balance,
        "held": balance.held,
        "frozen": balance.frozen,
        "debt": balance.debt,
    }


def _print_grants(grants: list[GrantView]) -> None:
    click.echo("\ngrants, in the order in which they are spent")
    for grant in grants:
        left = f"{money.format_credits_plain(grant.remaining)} of {money.format_credits_plain(grant.granted)}"
        ends = time(grant.expires_at) or "never"
        scope = f"  only for {grant.scope}" if grant.scope else ""
        click.echo(f"{grant.id:<20} {grant.source:<10} {left:>24}  ends {ends}{scope}")


def _print_entries(entries: list[EntryView]) -> None:
    click.echo("\nlast entries, newest first")
    for entry in entries:
        amount = money.format_credits_plain(entry.amount)
        after = money.format_credits_plain(entry.balance_after)
        click.echo(f"{time(entry.at):<28} {entry.kind:<8} {entry.reason:<18} {amount:>12} {after:>12}")


def _write_balance(customer: str, balance: BalanceView) -> dict[str, Any]:
    figures = {name: credits(amount) for name, amount in _figures(balance).items()}
    return {"customer": customer, **figures, "entry_count": balance.entry_count}


def _write_grant(grant: GrantView) -> dict[str, Any]:
    return {
        "id": grant.id,
        "source": grant.source,
        "granted": credits(grant.granted),
        "remaining": credits(grant.remaining),
        "held": credits(grant.held),
        "frozen": credits(grant.frozen),
        "expires_at": time(grant.expires_at),
        "scope": grant.scope,
    }


def _write_entry(entry: EntryView) -> dict[str, Any]:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "reason": entry.reason,
        "amount": credits(entry.amount),
        "balance_after": credits(entry.balance_after),
        "description": entry.description,
        "created_at": time(entry.at),
    }
