"""A Django site with dj-stripe and nothing else, as its documentation sets one up. Runs in its own environment.

`python -m djstripe_site` prepares the database; `djstripe_site:app` serves it.
"""

from __future__ import annotations

import os
from urllib.parse import parse_qs, unquote, urlsplit

import django
import stripe
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

UUID = "11111111-2222-4333-8444-555555555555"
"""Where the endpoint is: `/stripe/webhook/<UUID>/`."""

KEY = "sk_test_" + 6 * "bench"
"""It must look like one of Stripe's."""

_address = urlsplit(os.environ["BENCH_DATABASE"])

settings.configure(
    SECRET_KEY="a key for measuring only, 32 letters",  # noqa: S106
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # it says how long an answer is
    ROOT_URLCONF="djstripe_site",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _address.path.lstrip("/"),
            "USER": _address.username,
            "HOST": parse_qs(_address.query).get("host", [unquote(_address.hostname or "")])[0],
            "CONN_MAX_AGE": 600,
        }
    },
    USE_TZ=True,
    STRIPE_LIVE_MODE=False,
    STRIPE_TEST_SECRET_KEY=KEY,
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    LOGGING_CONFIG=None,
)
stripe.api_base = os.environ["STRIPE_API_BASE"]
django.setup()

from django.urls import include, path  # noqa: E402

urlpatterns = [path("stripe/", include("djstripe.urls", namespace="djstripe"))]

app = get_wsgi_application()


def prepare() -> None:
    """Make the tables, the account, and the endpoint with its secret."""
    from djstripe.models import Account, APIKey, WebhookEndpoint

    call_command("migrate", verbosity=0)
    account = Account.objects.create(id="acct_bench", livemode=False)
    APIKey.objects.create(secret=KEY, livemode=False, type="secret", djstripe_owner_account=account)
    WebhookEndpoint.objects.create(
        id="we_bench",
        livemode=False,
        secret=os.environ["STRIPE_WEBHOOK_SECRET"],
        enabled_events=["*"],
        url="https://bench.example.com/",
        djstripe_uuid=UUID,
        djstripe_owner_account=account,
    )


if __name__ == "__main__":
    prepare()
