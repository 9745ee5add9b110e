"""What actions cost, in the figures of the businesses that the server must run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog import Catalog, ModelPrice, load_catalog
from billing.errors import UnitOutOfRange, UnknownAction
from billing.money import format_unit_price, parse_credits
from billing.pricing import price_action, price_per_credit, yearly_saving_percent

STUDIO = load_catalog(Path(__file__).parents[2] / "catalog.toml")

AGENTS_TOML = """
currency = "usd"
credit_value_usd = "0.01"

[actions.message]
name = "Message"
kind = "tokens"
[actions.message.models]
"Grok-4-Fast" = { input_per_million_usd = 0.02, output_per_million_usd = 0.08 }
"GPT-4o-mini" = { input_per_million_usd = "0.15", output_per_million_usd = "0.60" }
"GPT-5" = { input_per_million_usd = 1.25, output_per_million_usd = 10 }
"Gemini-1.5-Flash" = { input_per_million_usd = 0.35, output_per_million_usd = 1.40 }

[actions.dear-message]
name = "Message with markup"
kind = "tokens"
markup = "1.5"
models.GPT-5 = { input_per_million_usd = 1.25, output_per_million_usd = 10 }
"""

MODELS_TOML = """
currency = "usd"

[actions.image]
name = "Image"
cost = 5
models.fine = { cost = "7.5" }

[actions.video]
name = "Video"
kind = "steps"
unit = "second"
steps = [{ up_to = 5, cost = 25 }]
models.fine = { steps = [{ up_to = 8, cost = 60 }] }

[actions.speech]
name = "Speech"
kind = "per_unit"
cost = "0.003"
per = 1
unit = "character"
max_units = 5000

[actions.view]
name = "View"
cost = 0
"""


@pytest.fixture
def catalog_of(tmp_path: Path) -> Callable[[str], Catalog]:
    """The catalog in a text."""

    def load(text: str) -> Catalog:
        path = tmp_path / "catalog.toml"
        path.write_text(text, encoding="utf-8")
        return load_catalog(path)

    return load


@pytest.fixture
def agents(catalog_of: Callable[[str], Catalog]) -> Catalog:
    return catalog_of(AGENTS_TOML)


@pytest.fixture
def models(catalog_of: Callable[[str], Catalog]) -> Catalog:
    return catalog_of(MODELS_TOML)


@pytest.mark.parametrize("action", ["text-to-image", "image-to-image", "upscale"])
def test_price_images_at_5_each(action: str) -> None:
    assert price_action(STUDIO, action).amount_micro == parse_credits(5)
    assert price_action(STUDIO, action, quantity=4).amount_micro == parse_credits(20)


@pytest.mark.parametrize(
    ("action", "seconds", "credits"),
    [
        ("video", 1, 25),
        ("video", 5, 25),
        ("video", 6, 50),
        ("video", 10, 50),
        ("audio", 1, 1),
        ("audio", 15, 1),
        ("audio", 16, 2),
        ("audio", 60, 4),
        ("audio", 61, 5),
        ("lipsync", 1, 20),
        ("lipsync", 10, 20),
        ("lipsync", 11, 40),
        ("lipsync", 25, 60),
    ],
)
def test_price_by_length(action: str, seconds: int, credits: int) -> None:
    assert price_action(STUDIO, action, units=seconds).amount_micro == parse_credits(credits)


def test_price_video_beyond_10_seconds_is_out_of_range() -> None:
    with pytest.raises(UnitOutOfRange, match=r"units: expected at most 10 \(second\)"):
        price_action(STUDIO, "video", units=11)


@pytest.mark.parametrize("action", ["video", "audio", "lipsync"])
@pytest.mark.parametrize("units", [None, 0, -1])
def test_price_by_length_needs_a_length(action: str, units: int | None) -> None:
    with pytest.raises(UnitOutOfRange, match=r"units: expected 1 or more \(second\)"):
        price_action(STUDIO, action, units=units)


@pytest.mark.parametrize("quantity", [0, -1])
def test_price_of_no_times_is_out_of_range(quantity: int) -> None:
    with pytest.raises(UnitOutOfRange, match="quantity: expected 1 or more"):
        price_action(STUDIO, "upscale", quantity=quantity)


def test_price_rounds_each_clip_up_before_it_is_multiplied() -> None:
    assert price_action(STUDIO, "audio", units=16, quantity=3).amount_micro == parse_credits(6)


@pytest.mark.parametrize("action", ["", "unknown", "Video", "text-to-image "])
def test_price_unknown_action(action: str) -> None:
    with pytest.raises(UnknownAction):
        price_action(STUDIO, action, units=1)


def test_price_more_than_one_call_may_move_is_out_of_range() -> None:
    assert price_action(STUDIO, "upscale", quantity=200_000_000).amount_micro == parse_credits(10**9)
    for quantity in (200_000_001, 2**64, 10**400):
        with pytest.raises(UnitOutOfRange, match="1000000000 credits that one call may move"):
            price_action(STUDIO, "upscale", quantity=quantity)


def test_price_explains_itself() -> None:
    video = price_action(STUDIO, "video", units=7, quantity=2)
    assert (video.kind, video.cost_each_micro, video.units, video.up_to, video.unit) == (
        "steps",
        parse_credits(50),
        7,
        10,
        "second",
    )
    audio = price_action(STUDIO, "audio", units=31)
    assert (audio.kind, audio.blocks, audio.per, audio.cost_each_micro) == (
        "per_unit",
        3,
        15,
        parse_credits(3),
    )


@pytest.mark.parametrize(
    ("model", "tokens_in", "tokens_out", "credits"),
    [
        # One million each way is the price list itself, at 100 credits to the dollar.
        ("Grok-4-Fast", 1_000_000, 1_000_000, "10"),
        ("GPT-4o-mini", 1_000_000, 1_000_000, "75"),
        ("GPT-5", 1_000_000, 1_000_000, "1125"),
        ("Gemini-1.5-Flash", 1_000_000, 1_000_000, "175"),
        # Single messages, to the sixth place.
        ("Grok-4-Fast", 100, 100, "0.001"),
        ("Grok-4-Fast", 1, 0, "0.000002"),
        ("Grok-4-Fast", 0, 1, "0.000008"),
        ("GPT-4o-mini", 1, 1, "0.000075"),
        ("GPT-5", 1, 0, "0.000125"),
        ("GPT-5", 1234, 567, "0.72125"),
        ("Gemini-1.5-Flash", 3, 1, "0.000245"),
    ],
)
def test_price_tokens_exactly(agents: Catalog, model: str, tokens_in: int, tokens_out: int, credits: str) -> None:
    priced = price_action(agents, "message", model=model, input_tokens=tokens_in, output_tokens=tokens_out)
    assert priced.amount_micro == parse_credits(credits)


def test_price_tokens_says_what_the_model_costs_in_usd(agents: Catalog) -> None:
    priced = price_action(agents, "dear-message", model="GPT-5", input_tokens=1000, output_tokens=1000)
    assert priced.cost_usd == Fraction("0.01125")
    assert priced.amount_micro == parse_credits("1.6875")


def test_price_tokens_rounds_half_up_once_at_the_end(agents: Catalog) -> None:
    # 1.5 times 125 micro-credits = 187.5; three times that is 562.5, not 3 times 188.
    assert price_action(agents, "dear-message", model="GPT-5", input_tokens=1).amount_micro == 188
    assert price_action(agents, "dear-message", model="GPT-5", input_tokens=3).amount_micro == 563
    assert price_action(agents, "dear-message", model="GPT-5", input_tokens=1, quantity=3).amount_micro == 563


def test_price_tokens_below_half_a_micro_credit_is_free(agents: Catalog) -> None:
    grok = replace(agents.actions["message"], markup=Fraction(1, 5))
    cheap = replace(agents, actions={"message": grok})
    assert price_action(cheap, "message", model="Grok-4-Fast", input_tokens=1).amount_micro == 0


def test_price_tokens_one_count_may_be_missing_not_both(agents: Catalog) -> None:
    assert price_action(agents, "message", model="GPT-5", output_tokens=1).amount_micro == 1000
    assert price_action(agents, "message", model="GPT-5", input_tokens=0, output_tokens=0).amount_micro == 0
    with pytest.raises(UnitOutOfRange, match="at least one of them"):
        price_action(agents, "message", model="GPT-5")
    with pytest.raises(UnitOutOfRange, match="0 or more"):
        price_action(agents, "message", model="GPT-5", input_tokens=-1)


@pytest.mark.parametrize("model", [None, "", "gpt-5", "GPT-6"])
def test_price_tokens_of_a_model_without_price(agents: Catalog, model: str | None) -> None:
    with pytest.raises(UnknownAction, match="expected one of Grok-4-Fast, GPT-4o-mini, GPT-5"):
        price_action(agents, "message", model=model, input_tokens=1)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_price_tokens_never_falls_when_more_are_used(fewer: int, more: int, tokens_out: int) -> None:
    price = ModelPrice(input_per_million_usd=Fraction("0.35"), output_per_million_usd=Fraction("1.40"))
    message = replace(STUDIO.actions["upscale"], id="message", kind="tokens", models={"m": price})
    agents = replace(STUDIO, credit_value_usd=Fraction(1, 100), actions={"message": message})
    amounts = [
        price_action(agents, "message", model="m", input_tokens=each, output_tokens=tokens_out).amount_micro
        for each in sorted((fewer, more))
    ]
    assert amounts == sorted(amounts)


def test_price_of_a_model_of_its_own(models: Catalog) -> None:
    assert price_action(models, "image", model="fine").amount_micro == parse_credits("7.5")
    assert price_action(models, "video", model="fine", units=8).amount_micro == parse_credits(60)


def test_price_of_another_model_is_the_actions(models: Catalog) -> None:
    assert price_action(models, "image", model="quick").amount_micro == parse_credits(5)
    with pytest.raises(UnitOutOfRange, match="at most 5"):
        price_action(models, "video", model="quick", units=8)


def test_price_fractions_of_a_credit_up_to_the_maximum(models: Catalog) -> None:
    assert price_action(models, "speech", units=1).amount_micro == 3_000
    assert price_action(models, "speech", units=5000).amount_micro == parse_credits(15)
    with pytest.raises(UnitOutOfRange, match=r"at most 5000 \(character\)"):
        price_action(models, "speech", units=5001)


def test_price_of_a_free_action_is_0(models: Catalog) -> None:
    assert price_action(models, "view", quantity=7).amount_micro == 0


def test_yearly_saving_of_premium_is_rounded_down() -> None:
    assert yearly_saving_percent(STUDIO.plan("premium")) == 16  # 58 of 348 is 16.67 %


def test_yearly_saving_of_basic_is_none_at_all() -> None:
    assert yearly_saving_percent(STUDIO.plan("basic")) == 0


def test_yearly_saving_needs_both_prices() -> None:
    assert yearly_saving_percent(replace(STUDIO.plan("basic"), prices={"year": 21000})) is None


def test_price_per_credit_counts_the_bonus() -> None:
    large = STUDIO.pack("large")
    assert price_per_credit(large) == Fraction(3900, 1150)
    assert price_per_credit(STUDIO.pack("small")) == Fraction(499, 100)
    assert format_unit_price(Fraction(3900, 1150), "usd", "en") == "$0.0339"


def test_price_per_credit_of_a_reset_is_none() -> None:
    assert price_per_credit(replace(STUDIO.pack("small"), credits=0, bonus=0)) is None
