"""The corruptions: each breaks one invariant in the made-up customer's rows, past every trigger and constraint.

Where a naive change would also break the chain of hashes, the forged entry keeps the chain, so that it is the
invariant named, and no easier one, that must find it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select

from billing import clock
from billing.ids import new_id
from billing.models import (
    Account,
    Checkout,
    DailyTotal,
    Debt,
    Entry,
    Grant,
    Hold,
    InvoiceLine,
    Payment,
    StripeCustomer,
    StripeEvent,
    Subscription,
)
from billing.money import MICRO
from billing.self_test.planting import Planting


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to spoil the books, and the invariant that must find it."""

    name: str
    invariant: str
    plant: Callable[[Planting], Any]


def _set_entry(name: str, **values: Any) -> Callable[[Planting], None]:
    return lambda copy: copy.set(Entry, Entry.seq, copy.seqs[name], **values)


def _move_entry(copy: Planting) -> None:
    values = {"other": copy.history.other_id, "seq": copy.seqs["later debit"]}
    copy.run("UPDATE entries SET account_id = :other WHERE account_id = :account AND seq = :seq", **values)


def _delete_entry(copy: Planting) -> None:
    copy.run("DELETE FROM entries WHERE account_id = :account AND seq = :seq", seq=copy.seqs["later debit"])


def _share_stripe_customer(copy: Planting) -> None:
    of_account = StripeCustomer.account_id == copy.account_id
    link = copy.connection.execute(select(StripeCustomer.__table__).where(of_account)).one()
    copy.strip(StripeCustomer)
    copy.connection.execute(insert(StripeCustomer), {**link._mapping, "account_id": copy.history.other_id})


def _link_twice(copy: Planting) -> None:
    copy.drop("INDEX", "uq_stripe_customers_live")
    values = {"stripe_id": new_id("cus"), "account_id": copy.account_id, "livemode": False, "created_at": clock.now()}
    copy.connection.execute(insert(StripeCustomer), values)


def _handle_without_effect(copy: Planting) -> None:
    event = {
        "id": new_id("evt"),
        "type": "refund.created",
        "object_id": new_id("re"),
        "account_id": copy.account_id,
        "status": "done",
        "attempts": 1,
        "payload": "{}",
        "created_at": clock.now(),
        "received_at": clock.wall_now(),
        "handled_at": clock.wall_now(),
    }
    copy.connection.execute(insert(StripeEvent), event)


def _post_twice(copy: Planting) -> None:
    copy.drop("INDEX", "uq_entries_source")
    source = f"checkout:{copy.ids['pack session']}"
    copy.forge("DEBIT", "amount", -MICRO, eats=copy.seqs["lasting"], source=source)


def _burn_out_of_order(copy: Planting) -> None:
    """The debit ate the grant that ends; let it have eaten the one that lasts."""
    values = {"seq": copy.seqs["debit"], "lasting": copy.seqs["lasting"]}
    copy.run("UPDATE uses SET grant_seq = :lasting WHERE account_id = :account AND entry_seq = :seq", **values)


def _use_nothing(copy: Planting) -> None:
    values = {"seq": copy.seqs["debit"]}
    copy.run("UPDATE uses SET grant_seq = 9999 WHERE account_id = :account AND entry_seq = :seq", **values)


def _expire_early(copy: Planting) -> None:
    copy.forge("DEBIT", "expired", -MICRO, eats=copy.seqs["lasting"])


def _overspend(copy: Planting) -> None:
    copy.forge("DEBIT", "amount", -100_000 * MICRO, eats=copy.seqs["lasting"])


def _take_for_nobody(copy: Planting) -> None:
    pack = copy.seqs["pack"]
    source = f"take:{new_id('rf')}:1"
    copy.forge("REFUND", "payment_refunded", -MICRO, eats=pack, reverses=pack, source=source)


def _take_too_much(copy: Planting) -> None:
    pack = copy.seqs["pack"]
    source = f"take:{copy.ids['refund']}:1"
    copy.forge("REFUND", "payment_refunded", -100 * MICRO, eats=pack, reverses=pack, source=source)


def _unrecord_staff(copy: Planting) -> None:
    copy.run("UPDATE audit_log SET subject = NULL WHERE account_id = :account")


def _overdue_hold(copy: Planting) -> None:
    hold = copy.seqs["active hold"]
    copy.set(Hold, Hold.number, hold, expires_at=clock.now() - timedelta(hours=1))


def _end_before_debit(copy: Planting) -> None:
    long_ago = clock.now() - timedelta(days=50)
    copy.set(Grant, Grant.seq, copy.seqs["lasting"], expires_at=long_ago, ends_at=long_ago)


def _remember_a_refusal(copy: Planting) -> None:
    reply = {"app": "self-test", "call": "POST /debits", "key": "k", "hash": b"\0" * 32}
    columns = "app, call, key, request_hash, status, body"
    copy.run(f"INSERT INTO replies ({columns}) VALUES (:app, :call, :key, :hash, 402, '{{}}')", **reply)  # noqa: S608


def _approve_own(copy: Planting) -> None:
    copy.run("UPDATE refunds SET decided_by = actor, decided_at = created_at WHERE account_id = :account")


def _count_too_little(copy: Planting) -> None:
    """A refund of today that nobody counted, though days have been counted since yesterday."""
    yesterday = (clock.now() - timedelta(days=1)).date()
    for day, actor in ((yesterday, "staff:other"), (clock.now().date(), "staff:forger")):
        total = {"actor": actor, "day": day, "unit": "usd", "times": 0, "amount": 0}
        copy.connection.execute(insert(DailyTotal), total)
    copy.refund(origin="staff", actor="staff:forger", reason="duplicate", status="failed", stripe_id=None)


def _keep_a_secret(copy: Planting) -> None:
    copy.run("UPDATE refunds SET note = 'paid with sk_live_4eC39HqLyjWDarjtT1' WHERE account_id = :account")


CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption("a fraction of a micro-credit", "I01", _set_entry("later debit", amount=-1.5)),
    Corruption("the sign of one amount flipped", "I02", _set_entry("later debit", amount=3 * MICRO)),
    Corruption(
        "an expiry given back",
        "I02",
        lambda copy: copy.forge(
            "REFUND", "debit_refunded", MICRO, eats=copy.seqs["ending"], reverses=copy.seqs["expiry"]
        ),
    ),
    Corruption(
        "a debit given back beyond itself",
        "I02",
        lambda copy: copy.forge(
            "REFUND", "debit_refunded", 21 * MICRO, eats=copy.seqs["ending"], reverses=copy.seqs["debit"]
        ),
    ),
    Corruption("one amount changed", "I03", _set_entry("lasting", amount=501 * MICRO)),
    Corruption("a broken hash link", "I03", _set_entry("given back", hash=b"\0" * 32)),
    Corruption("a middle entry deleted", "I04", _delete_entry),
    Corruption("an entry moved to another customer", "I04", _move_entry),
    Corruption(
        "an entry back-dated", "I04", lambda copy: _set_entry("expiry", at=clock.now() - timedelta(days=90))(copy)
    ),
    Corruption("the cached balance one more", "I05", lambda copy: copy.set_account(balance=Account.balance + 1)),
    Corruption("the cached holds one more", "I05", lambda copy: copy.set_account(held=Account.held + 1)),
    Corruption("the next due time forgotten", "I05", lambda copy: copy.set_account(next_due_at=None)),
    Corruption(
        "the month's spending one more", "I05", lambda copy: copy.set_account(month_spent=Account.month_spent + 1)
    ),
    Corruption(
        "a count that no job explains",
        "I05",
        lambda copy: copy.run(
            "INSERT INTO quota_uses (account_id, resource, period, used, counted_after)"
            " VALUES (:account, 'searches', 'lifetime', 1, 0)"
        ),
    ),
    Corruption(
        "a job that says less than its debit",
        "I29",
        lambda copy: copy.run("UPDATE usage SET charged = charged - 1 WHERE account_id = :account AND number = 1"),
    ),
    Corruption(
        "a debt forgotten", "I06", lambda copy: copy.set(Debt, Debt.entry_seq, copy.seqs["debt"], open=Debt.open - 1)
    ),
    Corruption(
        "a grant bigger than its entry",
        "I07",
        lambda copy: copy.set(Grant, Grant.seq, copy.seqs["lasting"], granted=Grant.granted + 1),
    ),
    Corruption(
        "a use taken out of a debit",
        "I08",
        lambda copy: copy.run(
            "DELETE FROM uses WHERE account_id = :account AND entry_seq = :seq", seq=copy.seqs["debit"]
        ),
    ),
    Corruption("more spent than was there", "I09", _overspend),
    Corruption("a debit from a grant that had expired", "I10", _end_before_debit),
    Corruption("burn-down out of order", "I11", _burn_out_of_order),
    Corruption("an expiry before its time", "I12", _expire_early),
    Corruption(
        "a second debit for a captured hold",
        "I13",
        lambda copy: copy.forge("DEBIT", "amount", -MICRO, eats=copy.seqs["lasting"], hold=copy.seqs["captured hold"]),
    ),
    Corruption(
        "a voided hold active again",
        "I13",
        lambda copy: copy.set(Hold, Hold.number, copy.seqs["voided hold"], status="active"),
    ),
    Corruption("a hold beyond its time", "I14", _overdue_hold),
    Corruption("a business key used twice", "I15", _post_twice),
    Corruption(
        "a cycle granted again with no key", "I15", lambda copy: copy.copy_grant(copy.seqs["cycle"], source=None)
    ),
    Corruption(
        "a pack whose session is not paid",
        "I16",
        lambda copy: copy.set(Checkout, Checkout.session_id, copy.ids["pack session"], payment_status="unpaid"),
    ),
    Corruption(
        "a grant duplicated under a new id",
        "I18",
        lambda copy: copy.copy_grant(copy.seqs["cycle"], source=f"line:{copy.ids['line']}:1"),
    ),
    Corruption(
        "a line worth more than its price",
        "I18",
        lambda copy: copy.set(InvoiceLine, InvoiceLine.line_id, copy.ids["line"], worth=InvoiceLine.worth + MICRO),
    ),
    Corruption("a refund row without its entry", "I19", lambda copy: copy.refund()),
    Corruption("a REFUND beyond what the money stands for", "I19", _take_too_much),
    Corruption(
        "more money given back than came in", "I20", lambda copy: copy.refund(amount_minor=701, status="pending")
    ),
    Corruption("a refund in another currency", "I20", lambda copy: copy.refund(currency="eur")),
    Corruption("credits taken for a refund that is not there", "I21", _take_for_nobody),
    Corruption(
        "disputed credits set free",
        "I22",
        lambda copy: copy.set(Grant, Grant.seq, copy.seqs["disputed pack"], freeze_target=0),
    ),
    Corruption("an event done without its effect", "I23", _handle_without_effect),
    Corruption(
        "a subscription ended at no time",
        "I25",
        lambda copy: copy.set(Subscription, Subscription.stripe_id, copy.ids["subscription"], status="canceled"),
    ),
    Corruption(
        "access longer than paid",
        "I26",
        lambda copy: copy.set(
            Subscription,
            Subscription.stripe_id,
            copy.ids["subscription"],
            paid_until=clock.now() + timedelta(days=400),
        ),
    ),
    Corruption("one Stripe customer, two customers", "I27", _share_stripe_customer),
    Corruption("two Stripe customers at once", "I27", _link_twice),
    Corruption(
        "a payment that is another customer's",
        "I27",
        lambda copy: copy.set(Payment, Payment.id, copy.ids["pack"], account_id=copy.history.other_id),
    ),
    Corruption(
        "a debit of another scope",
        "I28",
        lambda copy: copy.forge("DEBIT", "amount", -MICRO, eats=copy.seqs["scoped"], scope="another"),
    ),
    Corruption("an error remembered that may pass", "I32", _remember_a_refusal),
    Corruption("a refund approved by whoever asked for it", "I33", _approve_own),
    Corruption("a day's sum that forgets a refund", "I33", _count_too_little),
    Corruption("a staff credit without its actor", "I33", _set_entry("staff", actor=None)),
    Corruption("a staff credit without its record", "I33", _unrecord_staff),
    Corruption("a running balance one more", "I35", _set_entry("later debit", balance_after=Entry.balance_after + 1)),
    Corruption(
        "a grant's remaining changed",
        "I36",
        lambda copy: copy.set(Grant, Grant.seq, copy.seqs["lasting"], remaining=Grant.remaining - 1),
    ),
    Corruption("a use of a grant that is not there", "I37", _use_nothing),
    Corruption("a UNIQUE index dropped", "I37", lambda copy: copy.drop("INDEX", "uq_entries_source")),
    Corruption("a trigger dropped", "I37", lambda copy: copy.drop("TRIGGER", "entries_no_update")),
    Corruption("a secret in a note", "I38", _keep_a_secret),
    Corruption("the constraints of a table gone", "I37", lambda copy: copy.strip(Debt)),
)
"""In the order of the invariants."""
