"""The mistakes: what an honest change could get wrong, each as one replacement of text and the tests that must see it.

They are the classics of this trade (FAULTS and invariants of `docs/faults.md`): counting events instead of business
keys, marking before acting, trusting cumulative amounts, checking outside the lock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: in `file`, `old` (which stands there exactly once) becomes `new`; one of `tests` must then fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


PLANTED = (
    # Webhooks: once, durably, in any order.
    Mutant(
        "event_id_dedup_only",
        "billing/purchases.py",
        "    return is_posted(source) or quotas.is_reset(source)\n",
        "    return False\n",
        ("tests/webhooks/test_once.py", "tests/billing/test_reconcile.py"),
    ),
    Mutant(
        "marker_before_effect",
        "webhooks/inbox.py",
        '                status="received",\n',
        '                status="done",\n',
        ("tests/webhooks/test_once.py",),
    ),
    Mutant(
        "acknowledges_what_failed",
        "webhooks/views.py",
        "        return response, 503\n",
        "        return response, 200\n",
        ("tests/webhooks/test_once.py",),
    ),
    Mutant(
        "other_mode_is_booked",
        "webhooks/inbox.py",
        "    if event.livemode != stripe_gateway.current().livemode:\n",
        "    if False:\n",
        ("tests/webhooks/test_door.py",),
    ),
    Mutant(
        "unreadable_is_lost",
        "webhooks/inbox.py",
        'return lambda: Outcome("parked", note)\n',
        'return lambda: Outcome("ignored", note)\n',
        ("tests/webhooks",),
    ),
    Mutant(
        "stale_subscription_wins",
        "billing/subscriptions/syncing.py",
        "        elif _is_older(facts, row):\n",
        "        elif False:\n",
        ("tests/billing/test_subscriptions.py", "tests/webhooks"),
    ),
    Mutant(
        "overtaken_answer_wins",
        "billing/subscriptions/syncing.py",
        "        if asked_at is not None and state_of(facts.id) != asked_at:\n",
        "        if False:\n",
        ("tests/billing/test_subscriptions.py", "tests/webhooks"),
    ),
    # What an invoice is worth.
    Mutant(
        "first_line_only",
        "billing/stripe_facts/invoices.py",
        'lines=tuple(read_line(line) for line in fields.rows(obj, "lines")),\n',
        'lines=tuple(read_line(line) for line in fields.rows(obj, "lines")[:1]),\n',
        ("tests/webhooks/test_shapes.py", "tests/billing/test_cycle_credits.py"),
    ),
    Mutant(
        "lines_past_the_page_are_lost",
        "billing/cycle_credits.py",
        "    if not invoice.has_more_lines:\n",
        "    if True:\n",
        ("tests/billing/test_cycle_credits.py",),
    ),
    Mutant(
        "prorations_add_up",
        "billing/cycle_sums.py",
        "        before, highest = highest, max(highest, total)\n",
        "        before, highest = highest, highest + max(0, line.worth)\n",
        ("tests/billing/test_cycle_credits.py", "tests/billing/test_money_examples.py"),
    ),
    Mutant(
        "arrival_orders_the_sum",
        "billing/cycle_sums.py",
        "for line in sorted(lines, key=lambda line: (line.starts_at, line.worth, line.line_id)):",
        "for line in lines:",
        ("tests/billing",),
    ),
    Mutant(
        "every_plan_is_per_seat",
        "billing/cycle_sums.py",
        "return line.quantity if price.per_seat else min(line.quantity, 1)",
        "return line.quantity",
        ("tests/billing/test_cycle_credits.py",),
    ),
    Mutant(
        "trial_gives_a_cycle",
        "billing/cycle_sums.py",
        "        return 0 if line.proration else price.trial_credits\n",
        "        return 0 if line.proration else price.credits\n",
        ("tests/billing/test_cycle_credits.py",),
    ),
    Mutant(
        "year_grants_eleven_months",
        "billing/yearly.py",
        "        for n in range(1, MONTHS + 1):\n",
        "        for n in range(1, MONTHS):\n",
        ("tests/billing/test_cycle_credits.py",),
    ),
    Mutant(
        "unknown_price_is_foreign",
        "billing/cycle_credits.py",
        "            if price is None and prices.is_our_product(line.product):\n",
        "            if False:\n",
        ("tests/billing/test_cycle_credits.py",),
    ),
    Mutant(
        "two_cycles_at_once",
        "billing/cycle_credits.py",
        "    grace.close_older_cycles(book, item, ends_at)\n",
        "    pass\n",
        ("tests/billing/test_cycle_credits.py",),
    ),
    # Spending.
    Mutant(
        "held_is_spent_again",
        "billing/ledger/states.py",
        "        return self.remaining - self.held\n",
        "        return self.remaining\n",
        ("tests/billing/ledger/test_holds.py",),
    ),
    Mutant(
        "debt_is_no_obstacle",
        "billing/ledger/grants.py",
        "    return max(0, min(usable, live - book.debt))\n",
        "    return usable\n",
        ("tests/billing/ledger",),
    ),
    Mutant(
        "scoped_credits_pay_for_all",
        "billing/ledger/grants.py",
        "and (grant.scope is None or grant.scope == scope)\n",
        "\n",
        ("tests/billing/ledger",),
    ),
    Mutant(
        "bought_is_eaten_before_granted",
        "billing/ledger/grants.py",
        "        grant.purchased,\n        grant.seq,\n",
        "        not grant.purchased,\n        grant.seq,\n",
        ("tests/billing/ledger/test_burn_down.py",),
    ),
    Mutant(
        "check_outside_the_lock",
        "billing/ledger/book.py",
        "_LOCK_ACCOUNT = Statement(_ACCOUNT.with_for_update())\n",
        "_LOCK_ACCOUNT = Statement(_ACCOUNT)\n",
        ("tests/billing/ledger/test_concurrency.py",),
    ),
    Mutant(
        "captured_stays_active",
        "billing/ledger/holds.py",
        '    hold.status = "captured"\n',
        "",
        ("tests/billing/ledger/test_holds.py",),
    ),
    Mutant(
        "capture_eats_the_rest",
        "billing/ledger/holds.py",
        "    _resolve(book, hold, book.now, eaten=amount, entry_seq=entry.seq)\n",
        "    _resolve(book, hold, book.now, eaten=hold.amount, entry_seq=entry.seq)\n",
        ("tests/billing/ledger/test_holds.py",),
    ),
    Mutant(
        "hold_ends_too_late",
        "billing/ledger/due.py",
        'endings = [(h.expires_at, (0, h.number)) for h in book.holds.values() if h.status == "active"]\n',
        "endings: list[tuple[datetime, tuple[int, int]]] = []\n",
        ("tests/billing/ledger",),
    ),
    Mutant(
        "given_back_twice",
        "billing/ledger/giving_back.py",
        "    left = -debit.amount - reversed_sum(book, debit.seq)\n",
        "    left = -debit.amount\n",
        ("tests/billing/ledger",),
    ),
    Mutant(
        "given_back_to_the_first_grant",
        "billing/ledger/giving_back.py",
        "    for grant_seq in reversed(net):\n",
        "    for grant_seq in net:\n",
        ("tests/billing/ledger",),
    ),
    Mutant(
        "grant_outlives_its_end",
        "billing/ledger/due.py",
        "    endings += [(g.ends_at, (1, g.seq)) for g in book.grants.values() if g.ends_at is not None and g.free]\n",
        "",
        ("tests/billing/ledger",),
    ),
    # Money back.
    Mutant(
        "refund_rounds_down",
        "billing/claims.py",
        "        return min(granted, -(-granted * given // (self.amount_minor * MICRO)) * MICRO)\n",
        "        return min(granted, granted * given // (self.amount_minor * MICRO) * MICRO)\n",
        ("tests/billing/test_clawback.py", "tests/billing/test_refunds.py"),
    ),
    Mutant(
        "delta_from_cumulative",
        "billing/clawback.py",
        "        before, lot.target = lot.target, target\n",
        "        before, lot.target = 0, target\n",
        ("tests/billing/test_clawback.py", "tests/billing/test_refunds.py"),
    ),
    Mutant(
        "goodwill_takes_credits",
        "billing/claims.py",
        '        if refund["credits_mode"] == "keep":\n',
        "        if False:\n",
        ("tests/billing/test_clawback.py", "tests/billing/test_refunds.py"),
    ),
    Mutant(
        "inquiry_freezes",
        "billing/paid_periods.py",
        'OPEN_STATUSES = ("needs_response", "under_review")\n',
        'OPEN_STATUSES = ("needs_response", "under_review", "warning_needs_response")\n',
        ("tests/billing/test_disputes.py", "tests/billing/test_clawback.py"),
    ),
    Mutant(
        "debt_is_forgotten",
        "billing/ledger/taking_back.py",
        "        book.debt += lack\n",
        "",
        ("tests/billing/ledger",),
    ),
    Mutant(
        "income_leaves_debt_alone",
        "billing/ledger/grants.py",
        "    book.add_grant(grant)\n    pay_debts(book, grant)\n",
        "    book.add_grant(grant)\n",
        ("tests/billing/ledger",),
    ),
    # Doors.
    Mutant(
        "any_scope_will_do",
        "api/auth.py",
        "    if scope not in key.scopes:\n",
        "    if False:\n",
        ("tests/api/test_auth.py",),
    ),
    Mutant(
        "entry_of_another_customer",
        "billing/ledger/history.py",
        "    query = select(Entry.__table__).where(Entry.account_id == account_id)\n",
        "    query = select(Entry.__table__)\n",
        ("tests/billing/ledger/test_history.py",),
    ),
)
