"""What the customers' and the staff's page of usage share: the chart, the table under it, the file to take along."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Response, request, stream_with_context, url_for
from flask_babel import gettext

from billing import clock
from billing.clock import to_rfc3339
from billing.money import credits_to_decimal, credits_to_json, dumps, nano_usd_to_decimal
from billing.spreadsheet import Cell, csv_lines
from billing.usage_report import Use, find_cheaper_models, read_days, read_uses
from web import words
from web.downloads import attachment
from web.locale import page_locale
from web.usage_chart import build_chart
from web.usage_form import UsageForm, key_name

QUICK_DAYS = (7, 30, 90)
"""Ranges that are one click away."""


def read_page(account_id: int | None, endpoint: str) -> tuple[dict[str, Any], int]:
    """What the template shows of one account's uses, or (None) of everybody's, and the status of the answer."""
    form = UsageForm(request.args)
    shown: dict[str, Any] = {"form": form, "words": words, "key_name": key_name, "endpoint": endpoint, "chart": None}
    shown["quick"] = [(days, _quick(form, days, endpoint)) for days in QUICK_DAYS]
    if not form.validate():
        return shown, 422
    from_, to = form.limits
    shown["chart"] = build_chart(read_days(account_id, from_, to, form.by.data), form.from_.data, form.to.data)
    shown["cheaper"] = find_cheaper_models(account_id, from_, to)
    shown["asked"] = {"by": form.by.data, "from": form.from_.data.isoformat(), "to": form.to.data.isoformat()}
    return shown, 200


def download(account_id: int | None) -> Response | None:
    """The single uses as CSV or JSON; None when the days make no sense."""
    form = UsageForm(request.args)
    if not form.validate():
        return None
    uses = read_uses(account_id, *form.limits)
    if request.args.get("format") == "json":
        return attachment(stream_with_context(_json_lines(uses)), "usage", "json")
    return attachment(stream_with_context(csv_lines(_rows(uses), page_locale())), "usage", "csv")


def _quick(form: UsageForm, days: int, endpoint: str) -> str:
    today = clock.now().date()
    first = today - timedelta(days=days - 1)
    return url_for(endpoint, **{"by": form.by.data, "from": first.isoformat(), "to": today.isoformat()})


def _rows(uses: Iterator[Use]) -> Iterator[list[Cell]]:
    yield [
        gettext("When (UTC)"),
        gettext("Customer"),
        gettext("Action"),
        gettext("Model"),
        gettext("Agent"),
        gettext("Thread"),
        gettext("Execution"),
        gettext("Influencer"),
        gettext("Reference"),
        gettext("Times"),
        gettext("Tokens in"),
        gettext("Tokens out"),
        gettext("Credits"),
        gettext("Cost in USD"),
        gettext("State"),
    ]
    for use in uses:
        yield [
            use.occurred_at.strftime("%Y-%m-%d %H:%M:%S"),
            use.customer,
            use.action,
            use.model,
            use.agent,
            use.thread,
            use.execution,
            use.influencer,
            use.reference,
            use.quantity,
            use.input_tokens,
            use.output_tokens,
            credits_to_decimal(use.credits),
            None if use.cost_nano_usd is None else nano_usd_to_decimal(use.cost_nano_usd),
            use.state,
        ]


def _json_lines(uses: Iterator[Use]) -> Iterator[str]:
    yield '{"data": [\n'
    for number, use in enumerate(uses):
        written = dataclasses.asdict(use)
        cost = written.pop("cost_nano_usd")
        written["occurred_at"] = to_rfc3339(use.occurred_at)
        written["credits"] = credits_to_json(use.credits)
        written["cost_usd"] = None if cost is None else nano_usd_to_decimal(cost)
        yield f"{',' if number else ''}{dumps(written)}\n"
    yield "]}\n"
