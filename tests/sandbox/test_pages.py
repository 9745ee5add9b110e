"""The pages, pressed as a browser without JavaScript would press them."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from tests.sandbox import shop
from tests.sandbox.conftest import Receiver
from tests.sandbox_server import SandboxServer


def _post(url: str, **fields: str) -> requests.Response:
    return requests.post(url, data=fields, allow_redirects=False, timeout=20)


def _features(client: Any, *prices: Any, conditions: tuple[str, ...] = ()) -> dict[str, Any]:
    products: dict[str, list[str]] = {}
    for price in prices:
        products.setdefault(price.product, []).append(price.id)
    return {
        "customer_update": {"enabled": False},
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "products": [{"product": product, "prices": keys} for product, keys in products.items()],
            "proration_behavior": "always_invoice",
            "schedule_at_period_end": {"conditions": [{"type": kind} for kind in conditions]},
        },
    }


def _portal(client: Any, buyer: Any, features: dict[str, Any], **fields: Any) -> str:
    client.billing_portal.configurations.create({"features": features, "default_return_url": shop.CANCEL})
    session = client.billing_portal.sessions.create({"customer": buyer.id, **fields})
    url: str = session.url
    return url


def test_pay_on_the_page(sandbox: SandboxServer, client: Any) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 999, None))
    page = requests.get(session.url, timeout=5)
    for text in ("no money moves", "$9.99", "ada@example.com", "declined", "3-D Secure", shop.CANCEL):
        assert text in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]

    done = _post(session.url, **{"with": "card"})

    assert done.status_code == 303
    assert done.headers["Location"] == shop.SUCCESS.replace("{CHECKOUT_SESSION_ID}", session.id)
    assert "Already paid" in requests.get(session.url, timeout=5).text
    assert "Already paid" in _post(session.url, **{"with": "card"}).text
    assert len(client.payment_intents.list().data) == 1


def test_be_declined_on_the_page(sandbox: SandboxServer, client: Any) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 999, None))
    refused = _post(session.url, **{"with": "declined"})
    assert refused.status_code == 402
    assert 'role="alert">Your card was declined.' in refused.text
    assert client.checkout.sessions.retrieve(session.id).status == "open"


def test_confirm_on_the_page(sandbox: SandboxServer, client: Any) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 1500))
    challenge = _post(session.url, **{"with": "3ds"})
    assert challenge.headers["Location"].endswith(f"/c/pay/{session.id}/3ds")
    page = requests.get(sandbox.base_url + challenge.headers["Location"], timeout=5)
    assert "Confirm your payment" in page.text
    assert _post(session.url, step="challenge", **{"with": "3ds_fail"}).status_code == 402
    assert _post(session.url, step="challenge", **{"with": "3ds"}).status_code == 303
    assert client.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_use_a_promotion_code_on_the_page(sandbox: SandboxServer, client: Any) -> None:
    coupon = client.coupons.create({"percent_off": 50, "duration": "once"})
    client.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HALF"})
    session = shop.checkout(client, shop.customer(client), shop.price(client, 1000, None), allow_promotion_codes=True)
    assert _post(f"{session.url}/promotion", promotion_code="NOPE").status_code == 400
    assert _post(f"{session.url}/promotion", promotion_code="half").status_code == 303
    assert "Pay $5.00" in requests.get(session.url, timeout=5).text


def test_show_an_expired_session(sandbox: SandboxServer, client: Any) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 999, None))
    client.checkout.sessions.expire(session.id)
    assert "no longer valid" in requests.get(session.url, timeout=5).text
    assert requests.get(f"{sandbox.base_url}/c/pay/cs_test_none", timeout=5).status_code == 404


def test_cancel_and_resume_in_the_portal(sandbox: SandboxServer, client: Any) -> None:
    buyer, plan = shop.customer(client), shop.price(client, 1500)
    subscription = shop.subscribe(sandbox, client, buyer, plan)
    url = _portal(client, buyer, _features(client, plan))
    assert "Renews on" in requests.get(url, timeout=5).text
    assert _post(url, action="cancel", subscription=subscription.id).status_code == 303
    assert client.subscriptions.retrieve(subscription.id).cancel_at_period_end is True
    assert "Ends on" in requests.get(url, timeout=5).text
    _post(url, action="resume", subscription=subscription.id)
    assert client.subscriptions.retrieve(subscription.id).cancel_at is None


def test_change_plan_in_the_portal(sandbox: SandboxServer, client: Any) -> None:
    buyer, basic = shop.customer(client), shop.price(client, 1500)
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    subscription = shop.subscribe(sandbox, client, buyer, basic)
    url = _portal(client, buyer, _features(client, basic, premium, conditions=("decreasing_item_amount",)))

    assert _post(url, action="change", subscription=subscription.id, price=premium.id).status_code == 303
    upgraded = client.subscriptions.retrieve(subscription.id)
    assert (upgraded["items"].data[0].price.id, upgraded.schedule) == (premium.id, None)
    assert client.invoices.list().data[0].billing_reason == "subscription_update"

    _post(url, action="change", subscription=subscription.id, price=basic.id)
    waiting = client.subscriptions.retrieve(subscription.id)
    assert waiting["items"].data[0].price.id == premium.id
    assert waiting.schedule is not None
    assert "Changes to Basic" in requests.get(url, timeout=5).text
    sandbox.advance(days=32)
    assert client.subscriptions.retrieve(subscription.id)["items"].data[0].price.id == basic.id
    assert _post(url, action="change", subscription=subscription.id, price="price_none").status_code == 402


def test_change_card_and_pay_in_the_portal(sandbox: SandboxServer, client: Any) -> None:
    buyer, plan = shop.customer(client), shop.price(client, 1500)
    subscription = shop.subscribe(sandbox, client, buyer, plan)
    url = _portal(client, buyer, _features(client, plan))
    _post(url, action="card", card="decline")
    sandbox.advance(days=32)
    assert client.subscriptions.retrieve(subscription.id).status == "past_due"
    unpaid = client.invoices.list({"status": "open"}).data[0]
    assert f"Pay {unpaid.number}" in requests.get(url, timeout=5).text
    assert _post(url, action="pay", invoice=unpaid.id, **{"with": "declined"}).status_code == 402
    assert _post(url, action="pay", invoice=unpaid.id).status_code == 303
    assert client.subscriptions.retrieve(subscription.id).status == "active"


def test_keep_to_ones_own_in_the_portal(sandbox: SandboxServer, client: Any) -> None:
    plan = shop.price(client, 1500)
    foreign = shop.subscribe(sandbox, client, shop.customer(client, "eve@example.com"), plan)
    url = _portal(client, shop.customer(client), _features(client, plan))
    assert _post(url, action="cancel", subscription=foreign.id).status_code == 402
    assert client.subscriptions.retrieve(foreign.id).cancel_at_period_end is False


def test_follow_a_deep_link_into_the_portal(sandbox: SandboxServer, client: Any) -> None:
    buyer, plan = shop.customer(client), shop.price(client, 1500)
    subscription = shop.subscribe(sandbox, client, buyer, plan)
    flow = {
        "type": "subscription_cancel",
        "subscription_cancel": {"subscription": subscription.id},
        "after_completion": {"type": "redirect", "redirect": {"return_url": shop.CANCEL}},
    }
    url = _portal(client, buyer, _features(client, plan), flow_data=flow)
    done = _post(url, action="cancel", subscription=subscription.id)
    assert done.headers["Location"] == shop.CANCEL


def test_offer_only_what_the_configuration_offers(sandbox: SandboxServer, client: Any) -> None:
    buyer, plan = shop.customer(client), shop.price(client, 1500)
    subscription = shop.subscribe(sandbox, client, buyer, plan)
    features = {**_features(client, plan), "subscription_cancel": {"enabled": False}}
    url = _portal(client, buyer, features)
    assert "Cancel Basic" not in requests.get(url, timeout=5).text
    assert _post(url, action="cancel", subscription=subscription.id).status_code == 402
    found = client.billing_portal.configurations.list({"is_default": True}).data[0]
    changed = client.billing_portal.configurations.update(
        found.id, {"features": {"subscription_cancel": {"enabled": True}}}
    )
    assert changed.features.subscription_cancel.enabled is True
    assert changed.features.invoice_history.enabled is True


def test_pay_on_the_hosted_invoice(sandbox: SandboxServer, client: Any) -> None:
    buyer = shop.customer(client)
    shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "decline"})
    sandbox.advance(days=32)
    unpaid = client.invoices.list({"status": "open"}).data[0]
    assert "$15.00" in requests.get(unpaid.hosted_invoice_url, timeout=5).text
    assert _post(unpaid.hosted_invoice_url, **{"with": "declined"}).status_code == 402
    assert _post(unpaid.hosted_invoice_url, **{"with": "card"}).status_code == 303
    assert client.invoices.retrieve(unpaid.id).status == "paid"
    assert requests.get(unpaid.hosted_invoice_url, timeout=5).status_code == 200


def test_press_every_button_of_the_dashboard(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    pack = shop.price(client, 1000, None)
    first, second = (shop.buy(sandbox, client, buyer, pack) for _ in range(2))
    shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    late = shop.checkout(client, buyer, pack)
    sandbox.pay(late.id, "delayed")
    act = f"{sandbox.base_url}/act"

    def press(action: str, key: str, **fields: str) -> None:
        assert _post(act, action=action, id=key, **fields).status_code == 303

    press("refund", first.latest_charge, amount="300")
    refund = client.refunds.list().data[0]
    assert refund.amount == 300
    press("fail_refund", refund.id)
    press("refund", first.latest_charge, amount="")
    assert client.charges.retrieve(first.latest_charge).refunded is True
    press("inquiry", second.latest_charge)
    dispute = client.disputes.list().data[0]
    press("dispute_status", dispute.id, status="needs_response")
    page = requests.get(f"{sandbox.base_url}/", timeout=5).text
    assert 'value="under_review"' in page
    press("dispute_status", dispute.id, status="won")
    press("settle", late.id, outcome="succeeded")
    press("card", buyer.id, behaviour="decline_once")
    press("resend", client.events.list().data[0].id)
    assert _post(act, action="explode", id="x").status_code == 400
    assert _post(act, action="refund", id=first.latest_charge).status_code == 400

    before = sandbox.world.now()
    assert _post(f"{sandbox.base_url}/clock", ahead="1").status_code == 303
    assert sandbox.world.now() - before >= 86400
    _post(f"{sandbox.base_url}/clock", ahead="month")
    assert client.subscriptions.list({"status": "past_due"}).data
    assert _post(f"{sandbox.base_url}/webhook-switches", duplicate="on", drop="2").status_code == 303
    assert (sandbox.world.sender.switches.duplicate, sandbox.world.sender.switches.drop) == (True, 2)


def test_label_every_field(sandbox: SandboxServer, client: Any) -> None:
    buyer, plan = shop.customer(client), shop.price(client, 1500)
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    shop.subscribe(sandbox, client, buyer, plan)
    session = shop.checkout(client, buyer, plan, allow_promotion_codes=True)
    portal = _portal(client, buyer, _features(client, plan, premium))
    for url in (f"{sandbox.base_url}/", session.url, portal):
        text = requests.get(url, timeout=5).text
        assert "Sandbox: no money moves" in text
        for field in re.findall(r"<(?:input|select)\b[^>]*>", text):
            if 'type="hidden"' in field:
                continue
            name = re.search(r'id="([^"]+)"', field)
            wrapped = re.search(r"<label>[^<]*" + re.escape(field), text)
            assert wrapped or (name and f'<label for="{name.group(1)}">' in text), field


@pytest.mark.parametrize("path", ["/", "/i/in_none", "/p/session/bps_none", "/3ds/pi_none", "/receipts/ch_none"])
def test_answer_without_a_crash_when_there_is_nothing(sandbox: SandboxServer, path: str) -> None:
    assert requests.get(sandbox.base_url + path, timeout=5).status_code == (200 if path == "/" else 404)
