"""What answers look like: the schemas under `components`."""

from __future__ import annotations

from api.entries import KINDS
from api.errors import PROBLEMS
from api.openapi.schemas import (
    BOOLEAN,
    CREDITS,
    CURRENCY,
    INTEGER,
    ITEM,
    MINOR,
    NUMBER,
    PERIOD,
    TIME,
    Schema,
    listing,
    mapping,
    nullable,
    obj,
    one_of,
    ref,
    sometimes,
    told,
    words,
)

_GRANT = obj(
    "One lot of credits.",
    id=words(),
    source=words("What brought it: `pack`, `cycle`, `promo` …"),
    granted=CREDITS,
    remaining=CREDITS,
    held=CREDITS,
    frozen=CREDITS,
    priority=told(INTEGER, "0 is spent first."),
    effective_at=TIME,
    expires_at=nullable(TIME),
    scope=told(nullable(words()), "The influencer that it pays for, or null for everything."),
)

_BALANCE = obj(
    "What a customer has; `grants` in the order in which they are spent.",
    customer=words(),
    plan=words(),
    unlimited=BOOLEAN,
    balance=told(CREDITS, "Sum of all entries."),
    held=told(CREDITS, "Set aside by holds."),
    frozen=told(CREDITS, "Under dispute, or about to be refunded."),
    debt=told(CREDITS, "What a refund could not take back."),
    available=told(CREDITS, "What can be spent now."),
    scoped=mapping(CREDITS, "What can be spent for one influencer."),
    totals=obj(purchased=CREDITS, credited=CREDITS, debited=CREDITS, refunded=CREDITS),
    month=obj(spent=CREDITS, limit=nullable(CREDITS)),
    next_expiry=nullable(obj(amount=CREDITS, at=TIME)),
    grants=listing(ref("Grant")),
)

_ENTRY = obj(
    "One line of a customer's history. It never changes.",
    id=words(),
    seq=told(INTEGER, "Counts up by one in each account."),
    kind=one_of(*KINDS),
    reason=words("Finer than `kind`: `pack`, `cycle`, `action`, `payment_refunded` …"),
    amount=told(CREDITS, "Negative where credits went."),
    balance_after=CREDITS,
    action=nullable(words()),
    description=nullable(words()),
    reference=nullable(words()),
    reverses=told(nullable(words()), "The entry that this one undoes."),
    grants=listing(obj(grant=words(), amount=CREDITS)),
    metadata={"type": "object"},
    actor=obj(type=words(), id=nullable(words())),
    created_at=TIME,
)

_CUSTOMER = obj(
    id=words(),
    email=nullable(words()),
    name=nullable(words()),
    locale=nullable(words()),
    plan=words(),
    subscription_status=nullable(words()),
    monthly_limit=nullable(CREDITS),
    balance=ref("Balance"),
    created_at=TIME,
)

_PAYMENT = obj(
    id=words(),
    kind=one_of("plan", "pack", "topup", "influencer"),
    description=nullable(words()),
    amount_minor=MINOR,
    refunded_minor=MINOR,
    refundable_minor=MINOR,
    currency=CURRENCY,
    status=words(),
    granted=CREDITS,
    spent=CREDITS,
    unspent=CREDITS,
    held=CREDITS,
    grants=listing(words()),
    stripe=told({"type": "object"}, "Ids at Stripe."),
    created_at=TIME,
)

SUBSCRIPTION_FIELDS: dict[str, Schema] = {
    "id": words(),
    "kind": one_of("plan", "influencer"),
    "plan": nullable(words()),
    "influencer": nullable(words()),
    "tier": nullable(words()),
    "interval": words(),
    "status": words(),
    "quantity": INTEGER,
    "current_period_end": nullable(TIME),
    "cancel_at": nullable(TIME),
    "pending_change": {"type": ["object", "null"]},
    "stripe_id": words(),
}

_QUOTA_LIMIT = obj(resource=words(), limit=INTEGER, period=PERIOD)

_STEP = obj(up_to=INTEGER, cost=CREDITS)

_PLAN = obj(
    id=ITEM,
    name=words(),
    description=words(),
    prices=mapping(obj(amount_minor=MINOR, currency=CURRENCY, saving_percent=INTEGER), "By `month` and `year`."),
    credits=told(CREDITS, "With every cycle."),
    signup_credits=CREDITS,
    unlimited=BOOLEAN,
    quotas=listing(_QUOTA_LIMIT),
    features=listing(words()),
)

_PACK = obj(
    id=ITEM,
    name=words(),
    amount_minor=MINOR,
    currency=CURRENCY,
    credits=CREDITS,
    bonus=CREDITS,
    expires_after_days=nullable(INTEGER),
    resets=told(listing(words()), "Quotas that begin anew when it is bought."),
)

_MODEL_PRICE = obj(
    cost=nullable(told(CREDITS, "In place of the action's.")),
    steps=told(listing(_STEP), "In place of the action's, if there are any."),
    input_per_million_usd=nullable(told(NUMBER, "What the model's maker asks for a million tokens in.")),
    output_per_million_usd=nullable(told(NUMBER, "And for a million tokens out.")),
)

_ACTION = obj(
    id=ITEM,
    name=words(),
    kind=words("How it is priced: `flat`, `per_unit`, `steps`, `tokens` …"),
    cost=nullable(CREDITS),
    unit=nullable(words()),
    per=nullable(INTEGER),
    max_units=nullable(INTEGER),
    steps=listing(_STEP),
    models=mapping(_MODEL_PRICE, "Prices by model."),
    markup=told(NUMBER, "A token's price in credits is its price in dollars, times this, through `credit_value_usd`."),
    on_failure=mapping(INTEGER, "How many percent of the price a job costs that fails, by the reason."),
    quotas=told(listing(words()), "Limits that it uses up."),
    requires_influencer=BOOLEAN,
)

_INFLUENCER = obj(
    id=ITEM,
    name=words(),
    handle=nullable(words()),
    platform=nullable(words()),
    niche=nullable(words()),
    description=nullable(words()),
    picture_url=nullable(words()),
    status=one_of("active", "suspended", "retired"),
    tiers=listing(obj(id=ITEM, amount_minor=MINOR, currency=CURRENCY, interval=words(), credits=CREDITS)),
)

_PROBLEM_FIELDS = {
    "type": words("`urn:saldo:problem:<code>`"),
    "title": words(),
    "status": INTEGER,
    "detail": words("For people."),
    "code": one_of(*PROBLEMS, description="For programs."),
    "request_id": nullable(words("Names this call in the server's log.")),
    "errors": sometimes(told(listing(obj(field=words(), message=words())), "What is wrong with which field.")),
}

SHAPES: dict[str, Schema] = {
    "Balance": _BALANCE,
    "ShortBalance": obj(balance=CREDITS, held=CREDITS, available=CREDITS),
    "Grant": _GRANT,
    "Entry": _ENTRY,
    "Customer": _CUSTOMER,
    "Payment": _PAYMENT,
    "Subscription": obj(**SUBSCRIPTION_FIELDS),
    "Plan": _PLAN,
    "Pack": _PACK,
    "Action": _ACTION,
    "Influencer": _INFLUENCER,
    "Problem": obj("RFC 9457.", **_PROBLEM_FIELDS),
    "InsufficientCredits": obj(
        **_PROBLEM_FIELDS,
        required=CREDITS,
        available=CREDITS,
        shortfall=CREDITS,
        action=one_of("buy_credits"),
        topup_url=words("Where the customer can buy."),
    ),
    "QuotaExceeded": obj(
        "`resource` is `spending` for the customer's own limit of credits a month.",
        **_PROBLEM_FIELDS,
        resource=words(),
        limit=CREDITS,
        used=CREDITS,
        remaining=CREDITS,
        period=PERIOD,
        resets_at=nullable(TIME),
        upgrade_url=words("Where the customer can upgrade."),
    ),
    "SubscriptionRequired": obj(
        **_PROBLEM_FIELDS, influencer=words(), subscribe_url=words("Where the customer can subscribe.")
    ),
}

PROBLEM_SHAPES = {
    "insufficient_credits": "InsufficientCredits",
    "quota_exceeded": "QuotaExceeded",
    "subscription_required": "SubscriptionRequired",
}
"""Codes whose problem says more than the common fields."""
