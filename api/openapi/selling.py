"""Calls by which an app sells: checkout, subscriptions, influencers, and the pages for its customers."""

from __future__ import annotations

from api.embed import MIN_SECONDS
from api.openapi.call import Call
from api.openapi.reading import PAGES
from api.openapi.schemas import (
    BOOLEAN,
    CUSTOMER,
    ITEM,
    TIME,
    Schema,
    constrained,
    count,
    either,
    obj,
    one_of,
    opt,
    page,
    ref,
    text,
    told,
    words,
)
from api.openapi.shapes import SUBSCRIPTION_FIELDS
from billing.embed_links import MAX_SECONDS

STRIPE = ("stripe_unavailable", "price_not_synced")
RETURN_PATH = opt(text("Where the customer goes on to, on Saldo's own pages.", longest=500))
SUBSCRIPTION_PATH: dict[str, Schema] = {"subscription": text("The subscription's id.")}
INTERVAL = one_of("month", "year")

CALLS = (
    Call(
        "POST",
        "/checkout-sessions",
        "Where a customer pays",
        {201: obj(id=words(), url=words("A page of Stripe's."), expires_at=TIME)},
        description=(
            "For a plan and its interval, a pack, or an influencer's tier. An open session for the same thing is "
            "handed out again."
        ),
        body=constrained(
            obj(
                customer=CUSTOMER,
                plan=opt(ITEM),
                interval=opt(INTERVAL),
                pack=opt(ITEM),
                quantity=opt(count("How many packs.", most=1_000_000)),
                influencer=opt(ITEM),
                tier=opt(ITEM),
                return_path=RETURN_PATH,
            ),
            **either(["plan", "interval"], ["pack"], ["influencer", "tier"]),
        ),
        once=True,
        refuses=("not_found", "already_subscribed", "influencer_unavailable", "conflict", *STRIPE),
        example={"customer": "user-42", "pack": "small"},
    ),
    Call(
        "POST",
        "/portal-sessions",
        "Let a customer in on the pages",
        {201: obj(url=words("A page whose button signs the customer in, once."), expires_at=TIME)},
        body=obj(customer=CUSTOMER, return_path=RETURN_PATH),
        refuses=("not_found",),
        example={"customer": "user-42", "return_path": "/packs"},
    ),
    Call(
        "POST",
        "/embed-links",
        "Show a balance inside an app's page",
        {201: obj(url=words("What the frame shows; add size, theme and locale to it."), expires_at=TIME)},
        description=(
            "A frame of this address shows the customer's balance on the site that `origin` names, and nowhere else. "
            "`size` is `small`, `medium` (the default) or `large`, `theme` `light`, `dark` or `auto`, `locale` `en`, "
            "`es` or `es_MX`."
        ),
        body=obj(
            customer=CUSTOMER,
            origin=text("The site of the frame: scheme, host and port, such as https://app.example.com."),
            expires_in=opt(count("Seconds that the link works; default a day.", least=MIN_SECONDS, most=MAX_SECONDS)),
        ),
        refuses=("not_found",),
        example={"customer": "user-42", "origin": "https://app.example.com"},
    ),
    Call(
        "POST",
        "/subscriptions/{subscription}/cancel",
        "End a subscription",
        {200: ref("Subscription")},
        description="With its period, or now. Nothing that was granted is taken.",
        path_fields=SUBSCRIPTION_PATH,
        body=obj(now=opt(told(BOOLEAN, "At once; default false."))),
        body_optional=True,
        once=True,
        refuses=("conflict", "stripe_unavailable"),
        example={"now": False},
    ),
    Call(
        "POST",
        "/subscriptions/{subscription}/pause",
        "Pause a subscription",
        {200: ref("Subscription")},
        description="Nothing is charged, and nothing comes, until it is resumed.",
        path_fields=SUBSCRIPTION_PATH,
        body=obj(),
        body_optional=True,
        once=True,
        refuses=("conflict", "stripe_unavailable"),
        example={},
    ),
    Call(
        "POST",
        "/subscriptions/{subscription}/resume",
        "Let a subscription go on that was to end",
        {200: ref("Subscription")},
        path_fields=SUBSCRIPTION_PATH,
        body=obj(),
        body_optional=True,
        once=True,
        refuses=("conflict", "stripe_unavailable"),
        example={},
    ),
    Call(
        "GET",
        "/influencer-subscriptions",
        "Who subscribes to whom",
        {200: page(obj(customer=words(), **SUBSCRIPTION_FIELDS))},
        description="By `customer`, by `influencer`, or both.",
        query={"customer": CUSTOMER, "influencer": ITEM, **PAGES},
        refuses=("not_found",),
    ),
    Call(
        "POST",
        "/influencer-subscriptions",
        "Where a customer subscribes to an influencer",
        {201: obj(id=words(), url=words("A page of Stripe's."))},
        body=obj(customer=CUSTOMER, influencer=ITEM, tier=ITEM),
        once=True,
        refuses=("not_found", "already_subscribed", "influencer_unavailable", "conflict", *STRIPE),
        example={"customer": "user-42", "influencer": "luna-style", "tier": "basic"},
    ),
    Call(
        "DELETE",
        "/influencer-subscriptions/{subscription}",
        "End a subscription to an influencer",
        {200: ref("Subscription")},
        description="With its period, or with `now=true` at once.",
        path_fields=SUBSCRIPTION_PATH,
        query={"now": one_of("true", "false")},
        refuses=("conflict", "stripe_unavailable"),
    ),
)
