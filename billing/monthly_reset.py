"""What `flask credits reset-monthly` does at once for everybody: due refills given, monthly quotas set back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from billing import accounts, catalog, clock, quotas
from billing.db import connection
from billing.models import Account, Customer, QuotaUse
from billing.tally import period_of

REASON = "monthly quotas set back for everybody"


@dataclass(frozen=True, slots=True)
class UsedQuota:
    """A customer's monthly count that is not zero."""

    customer: str
    account_id: int
    resource: str
    used: int


@dataclass(frozen=True, slots=True)
class MonthlyReset:
    """Whose refill was due, and which counts were set back (or would be)."""

    refills: list[str]
    quotas: list[UsedQuota]


def reset_monthly(*, dry_run: bool = False, actor: str = "operator") -> MonthlyReset:
    """Give each refill that is due and set every monthly quota back to unused, account by account.

    Both happen by themselves when a month begins; this is for not waiting. Refills come once a period however often
    it runs (R6).
    """
    refills, used = _due_refills(), _used_quotas()
    if not dry_run:
        for account_id in refills.values():
            accounts.ensure_up_to_date(account_id)
        for each in used:
            quotas.reset_quota(each.account_id, each.resource, reason=REASON, actor=actor)
    return MonthlyReset(list(refills), used)


def _due_refills() -> dict[str, int]:
    if not catalog.current().free_plan.monthly_refill:
        return {}
    rows = connection().execute(
        select(Customer.public_id, Account.account_id)
        .join(Customer, Customer.account_id == Account.account_id)
        .where(Account.next_refill_at <= clock.now())
        .order_by(Account.account_id)
    )
    return {row.public_id: row.account_id for row in rows}


def _used_quotas() -> list[UsedQuota]:
    rows = connection().execute(
        select(Customer.public_id, QuotaUse.account_id, QuotaUse.resource, QuotaUse.used)
        .join(Customer, Customer.account_id == QuotaUse.account_id)
        .where(QuotaUse.period == period_of("month", clock.now()), QuotaUse.used > 0)
        .order_by(QuotaUse.account_id, QuotaUse.resource)
    )
    return [UsedQuota(*row) for row in rows if row.resource in catalog.current().quotas]
