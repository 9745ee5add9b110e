"""Calls about customers, what they have, and what is for sale."""

from __future__ import annotations

from api.customers import LOCALES
from api.entries import KINDS
from api.openapi.call import Call
from api.openapi.schemas import (
    BOOLEAN,
    CREDITS,
    CUSTOMER,
    INTEGER,
    ITEM,
    MOMENT,
    NUMBER,
    TIME,
    Schema,
    constrained,
    listing,
    nullable,
    obj,
    one_of,
    opt,
    page,
    ref,
    text,
    told,
    whole,
    words,
)
from api.query import DEFAULT_LIMIT, MAX_LIMIT

CUSTOMER_PATH = {"customer": CUSTOMER}
PAGES: dict[str, Schema] = {
    "limit": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_LIMIT,
        "default": DEFAULT_LIMIT,
        "description": "How many at most.",
    },
    "cursor": text("`next_cursor` of the page before."),
}
SPAN: dict[str, Schema] = {
    "from": told(MOMENT, "Not before; RFC 3339 with its zone."),
    "to": told(MOMENT, "Before, not at; RFC 3339 with its zone."),
}

_NEW_CUSTOMER = obj(
    id=CUSTOMER,
    email=opt(text("Never used to find or link a customer.", longest=320)),
    name=opt(text(longest=200)),
    locale=opt(one_of(*LOCALES)),
)

_PRICE_LIST = obj(
    data=listing(ref("Action")),
    next_cursor={"type": "null"},
    version=words("Changes whenever the catalog does."),
    credit_value_usd=nullable(told(NUMBER, "What a credit is worth where tokens are priced.")),
)

CALLS = (
    Call(
        "POST",
        "/customers",
        "Make a customer, unless there is one",
        {201: ref("Customer"), 200: ref("Customer")},
        description="201 when made, with the free plan's credits; 200 and unchanged when the id is known.",
        body=_NEW_CUSTOMER,
        example={"id": "user-42", "email": "ada@example.com", "name": "Ada", "locale": "en"},
    ),
    Call("GET", "/customers/{customer}", "A customer", {200: ref("Customer")}, path_fields=CUSTOMER_PATH),
    Call(
        "PATCH",
        "/customers/{customer}",
        "Change a customer",
        {200: ref("Customer")},
        description="What is not named stays; null takes it away.",
        path_fields=CUSTOMER_PATH,
        body=obj(
            email=opt(text(longest=320)),
            name=opt(text(longest=200)),
            locale=opt(one_of(*LOCALES)),
            monthly_limit=opt(told({"type": "number", "minimum": 0}, "Credits a month; null: no limit.")),
        ),
        example={"monthly_limit": 500},
    ),
    Call(
        "GET",
        "/customers/{customer}/balance",
        "What a customer has and can spend",
        {200: ref("Balance")},
        path_fields=CUSTOMER_PATH,
    ),
    Call(
        "GET",
        "/customers/{customer}/entries",
        "History, newest first",
        {200: page(ref("Entry"))},
        description="By `reference`, the receipt of one job.",
        path_fields=CUSTOMER_PATH,
        query={"kind": one_of(*KINDS), **SPAN, "reference": text("Of the job."), **PAGES},
    ),
    Call(
        "GET",
        "/customers/{customer}/payments",
        "Payments, and what each granted",
        {200: page(ref("Payment"))},
        path_fields=CUSTOMER_PATH,
        query=PAGES,
    ),
    Call(
        "GET",
        "/customers/{customer}/subscriptions",
        "Plans and influencers subscribed to",
        {200: page(ref("Subscription"))},
        path_fields=CUSTOMER_PATH,
        query=PAGES,
    ),
    Call(
        "GET",
        "/customers/{customer}/access/{influencer}",
        "May the customer see what an influencer shares?",
        {200: obj(access=BOOLEAN, tier=nullable(words()), until=nullable(TIME))},
        path_fields={**CUSTOMER_PATH, "influencer": ITEM},
    ),
    Call(
        "GET",
        "/customers/{customer}/stats",
        "A customer's credits in a few figures",
        {
            200: obj(
                available=CREDITS,
                purchased_total=CREDITS,
                consumed_total=told(CREDITS, "What expired is not consumed."),
                last_purchase_at=nullable(TIME),
                last_debit_at=nullable(TIME),
                entry_count=INTEGER,
            )
        },
        path_fields=CUSTOMER_PATH,
    ),
    Call("GET", "/plans", "Plans for sale", {200: whole(ref("Plan"))}, public=True),
    Call("GET", "/packs", "Packs for sale", {200: whole(ref("Pack"))}, public=True),
    Call("GET", "/actions", "The price list", {200: _PRICE_LIST}, public=True),
    Call(
        "GET",
        "/influencers",
        "Influencers to subscribe to",
        {200: page(ref("Influencer"))},
        query=PAGES,
        public=True,
    ),
    Call(
        "GET",
        "/openapi.json",
        "This description, for programs",
        {200: constrained({"type": "object"}, required=["openapi", "info", "paths", "components"])},
        public=True,
    ),
)
