"""`examples/app` in front of the real Saldo: price, warning, job, receipt."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from saldo import Saldo
from werkzeug.test import TestResponse

from billing import api_keys
from billing.db import db
from config import ROOT
from tests.client.live import Live, live


@pytest.fixture
def running(app: Flask) -> Iterator[Live]:
    with live(app) as server:
        yield server


@pytest.fixture
def studio(running: Live, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A visitor of the studio, in front of a Saldo with the default catalog: 60 credits to begin with."""
    key = api_keys.create_key("studio", api_keys.SCOPES).secret
    db.session.rollback()
    spec = importlib.util.spec_from_file_location("studio", ROOT / "examples" / "app" / "studio.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "studio", module)
    spec.loader.exec_module(module)
    app: Flask = module.create_app(Saldo(running.url, key, retries=0))
    app.testing = True
    return app.test_client()


def fields(page: TestResponse) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def ask(studio: FlaskClient, action: str, text: str) -> TestResponse:
    return studio.post("/confirm", data={"action": action, "text": text})


def run(studio: FlaskClient, action: str, text: str) -> TestResponse:
    return studio.post("/run", data=fields(ask(studio, action, text)), follow_redirects=True)


def available(studio: FlaskClient) -> str:
    found = re.search(r"You have <strong>([\d.]+) credits</strong>", studio.get("/").text)
    assert found
    return found[1]


def test_shows_the_price_before_it_charges(studio: FlaskClient) -> None:
    assert available(studio) == "60"
    page = ask(studio, "text-to-image", "a cat")
    assert "<strong>5 credits</strong>; you have 60" in page.text
    assert "will be left" not in page.text
    assert available(studio) == "60"


def test_runs_the_job_and_shows_the_receipt(studio: FlaskClient) -> None:
    page = run(studio, "text-to-image", "a cat")
    assert page.request.path.startswith("/receipts/")
    assert "<td>a cat</td><td>-5</td><td>55</td>" in page.text
    assert available(studio) == "55"


def test_charges_a_button_pressed_twice_once(studio: FlaskClient) -> None:
    form = fields(ask(studio, "text-to-image", "a cat"))
    for _ in range(2):
        assert studio.post("/run", data=form).status_code == 303
    assert available(studio) == "55"


def test_charges_the_real_length_of_a_voice(studio: FlaskClient) -> None:
    text = "extraordinarily " * 25  # 400 letters: 32 seconds, 3 credits; 25 words: 25 seconds, 2 credits
    assert "up to <strong>3 credits</strong>" in ask(studio, "audio", text).text
    run(studio, "audio", text)
    assert available(studio) == "58"


def test_says_when_a_failed_job_was_not_charged(studio: FlaskClient) -> None:
    page = run(studio, "text-to-image", "a broken cat")
    assert "That did not work (provider_error)." in page.text
    assert "You were not charged." in page.text
    assert available(studio) == "60"


def test_warns_and_then_refuses_with_the_way_out(studio: FlaskClient) -> None:
    for _ in range(9):
        run(studio, "text-to-image", "a cat")
    assert "Only 10 credits will be left." in ask(studio, "text-to-image", "a cat").text
    for _ in range(3):
        run(studio, "text-to-image", "a cat")
    page = ask(studio, "text-to-image", "a cat")
    assert "Missing: 5 credits." in page.text
    answer = studio.post("/run", data=fields(page))
    assert answer.status_code == 402
    assert 'href="http://127.0.0.1:8000/packs' in answer.text
    assert "Nothing was charged." in answer.text


def test_takes_no_price_and_no_action_from_the_browser(studio: FlaskClient) -> None:
    form = fields(ask(studio, "text-to-image", "a cat"))
    assert studio.post("/run", data={**form, "action": "nothing"}).status_code == 400
    assert studio.post("/run", data={**form, "job": "../1"}).status_code == 404
    assert available(studio) == "60"


def test_is_calm_when_saldo_is_away(studio: FlaskClient, running: Live) -> None:
    form = fields(ask(studio, "text-to-image", "a cat"))
    running.stop()
    assert studio.post("/run", data=form).status_code == 503
    running.start()
