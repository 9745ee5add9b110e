"""The catalog: what the default one sells, and that every mistake in one is named with its line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import catalog as ambient
from billing.catalog import Catalog, Quota, Text, check_catalog, load_catalog, sellables
from billing.catalog.lines import KeyPath, LineIndex
from billing.errors import CatalogError, NotFound, UnknownAction
from billing.money import MICRO

DEFAULT = Path(__file__).parents[2] / "catalog.toml"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a catalog file and say where it is."""

    def write_text(text: str) -> Path:
        path = tmp_path / "shop.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


@pytest.fixture
def shop() -> Catalog:
    return load_catalog(DEFAULT)


# What the default catalog says


def test_default_catalog_gives_60_credits_at_sign_up(shop: Catalog) -> None:
    assert shop.currency == "usd"
    assert shop.free_plan.id == "free"
    assert shop.free_plan.signup_credits == 60 * MICRO
    assert shop.free_plan.monthly_refill == 0


@pytest.mark.parametrize(
    ("plan", "month", "year", "credits"), [("basic", 1500, 21000, 500), ("premium", 2900, 29000, 1200)]
)
def test_default_catalog_plans(shop: Catalog, plan: str, month: int, year: int, credits: int) -> None:
    assert shop.plan(plan).prices == {"month": month, "year": year}
    assert shop.plan(plan).credits == credits * MICRO
    assert shop.plan(plan).yearly_grant == "monthly"


def test_default_catalog_packs_expire_never_or_after_a_year_or_bring_more(shop: Catalog) -> None:
    packs = shop.packs.values()
    assert [pack.expires_after_days for pack in packs] == [365, None, None]
    assert [pack.bonus // MICRO for pack in packs] == [0, 0, 150]


def test_default_catalog_luna_style(shop: Catalog) -> None:
    tier = shop.tier("luna-style", "basic")
    assert (tier.price, tier.interval, tier.credits) == (999, "month", 50 * MICRO)
    assert list(shop.influencer("luna-style").tiers) == ["basic", "premium"]
    assert len(shop.influencers) == 2


def test_default_catalog_speaks_english_and_spanish(shop: Catalog) -> None:
    assert shop.plan("basic").name.get("en") == "Basic"
    assert shop.plan("basic").name.get("es_MX") == "Básico"
    assert shop.influencer("luna-style").name.get("es") == "Luna Style"


def test_default_catalog_has_nothing_wrong_and_one_thing_odd() -> None:
    (finding,) = check_catalog(DEFAULT)
    line = DEFAULT.read_text(encoding="utf-8").splitlines().index("price = { month = 15, year = 210 }") + 1
    assert (finding.level, finding.line, finding.key) == ("odd", line, "plans.basic.price.year")
    assert "$210.00, dearer than 12 months, which cost $180.00" in finding.message


# Reading


MINIMAL = 'currency = "usd"\n'


def test_load_minimal_catalog(write: Write) -> None:
    catalog = load_catalog(write(MINIMAL))
    assert catalog.free_plan.name.get("es") == "Gratis"
    assert not catalog.plans
    assert catalog.topup is None


def test_load_every_key_of_a_plan(write: Write) -> None:
    catalog = load_catalog(
        write(
            MINIMAL
            + """
[quotas.images]
name = "Images"
period = "lifetime"

[plans."team.v2"]
name = "Team"
price = { year = "99.90" }
credits = 100
per_seat = true
trial_days = 7
trial_credits = 10
rollover = 20
yearly_grant = "upfront"
yearly_credits = 1500
priority = 10
quotas = { images = 30 }
features = ["One", { en = "Two", es = "Dos" }]
"""
        )
    )
    plan = catalog.plan("team.v2")
    assert plan.prices == {"year": 9990}
    assert (plan.credits, plan.yearly_credits, plan.trial_credits) == (100 * MICRO, 1500 * MICRO, 10 * MICRO)
    assert (plan.per_seat, plan.unlimited, plan.trial_days, plan.rollover_percent) == (True, False, 7, 20)
    assert (plan.yearly_grant, plan.priority) == ("upfront", 10)
    assert plan.quotas == {"images": Quota("images", 30, "lifetime")}
    assert [feature.get("es") for feature in plan.features] == ["One", "Dos"]
    assert catalog.quotas_of("team.v2") == plan.quotas
    assert catalog.quotas_of("free") == {}


def test_load_every_key_of_an_action(write: Write) -> None:
    catalog = load_catalog(
        write(
            MINIMAL
            + """
credit_value_usd = 0.01
[quotas.searches]
name = "Searches"
period = "month"
[actions.chat]
name = "Chat"
kind = "tokens"
markup = 1.25
models."acme/gpt:5" = { input_per_million_usd = 0, output_per_million_usd = "0.075" }
quotas = ["searches"]
requires_influencer = true
on_failure = { moderation = 100 }
enforcement = "observe"
"""
        )
    )
    action = catalog.action("chat")
    assert action.models["acme/gpt:5"].output_per_million_usd == Fraction(3, 40)
    assert (catalog.credit_value_usd, action.markup) == (Fraction(1, 100), Fraction(5, 4))
    assert (action.quotas, action.requires_influencer, action.enforcement) == (("searches",), True, "observe")
    assert action.on_failure == {"moderation": 100, "timeout": 0, "provider_error": 0, "user_cancelled": 0}


def test_load_steps_written_as_tables(write: Write) -> None:
    catalog = load_catalog(
        write(
            MINIMAL
            + """
[actions.video]
name = "Video"
kind = "steps"
unit = "second"
[[actions.video.steps]]
up_to = 5
cost = 25
[[actions.video.steps]]
up_to = 10
cost = "50.5"
"""
        )
    )
    assert [(step.up_to, step.cost) for step in catalog.action("video").steps] == [
        (5, 25 * MICRO),
        (10, 50_500_000),
    ]


def test_load_prices_of_a_currency_without_decimals(write: Write) -> None:
    catalog = load_catalog(write('currency = "jpy"\n[packs.p]\nname = "P"\nprice = 1000\ncredits = 10\n'))
    assert catalog.pack("p").price == 1000


def test_load_reads_what_windows_writes(write: Write) -> None:
    path = write("")
    path.write_bytes("\ufeffcurrency = 'usd'\r\n\r\n[packs.p]\r\nname = 'P'\r\nprice = 0\r\ncredits = 1\r\n".encode())
    with pytest.raises(CatalogError, match=r"line 5: packs\.p\.price"):
        load_catalog(path)


def test_load_version_changes_with_the_file(write: Write) -> None:
    first = load_catalog(write(MINIMAL)).version
    assert load_catalog(write(MINIMAL)).version == first
    assert load_catalog(write(MINIMAL + "# touched")).version != first


def test_find_what_is_not_sold(shop: Catalog) -> None:
    for find in (shop.plan, shop.pack, shop.influencer, shop.quotas_of):
        with pytest.raises(NotFound):
            find("nothing")
    with pytest.raises(NotFound):
        shop.plan("free")
    with pytest.raises(NotFound):
        shop.tier("luna-style", "gold")
    with pytest.raises(UnknownAction):
        shop.action("nothing")


def test_current_is_what_was_configured(shop: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ambient, "_current", None)
    with pytest.raises(RuntimeError, match="no catalog"):
        ambient.current()
    ambient.configure(shop)
    assert ambient.current() is shop


def test_text_falls_back_to_language_then_english_then_any() -> None:
    text = Text({"es": "Básico", "en": "Basic"})
    assert [text.get(locale) for locale in ("es", "es_MX", "en", "fr")] == ["Básico", "Básico", "Basic", "Basic"]
    assert Text({"es": "Hola", "es_MX": "Qué onda"}).get("es_MX") == "Qué onda"
    assert Text({"es": "Hola"}).get("en") == "Hola"
    assert Text({}).get("en") == ""


# Mistakes: line, key, and what is allowed. The line at fault is the one marked with a ✗.

PLAN = 'currency = "usd"\n[plans.basic]\nname = "Basic"\nprice.month = 15\n'
PACK = 'currency = "usd"\n[packs.p]\nname = "P"\nprice = 1\ncredits = 1\n'
ACTION = 'currency = "usd"\n[actions.a]\nname = "A"\n'
QUOTA = 'currency = "usd"\n[quotas.images]\nname = "Images"\nperiod = "month"\n'

MISTAKES: list[tuple[str, str]] = [
    ("# ✗", "currency: is missing; expected the ISO code of a currency"),
    ('currency = "USD" # ✗', "currency: is 'USD'; expected the ISO code of a currency in small letters"),
    ('currency = "xxx" # ✗', "currency: is 'xxx'; expected the ISO code"),
    ("currency = 5 # ✗", "currency: is 5; expected the ISO code"),
    ('currency = "usd"\nplan = 1 # ✗', 'plan: unknown key; did you mean "plans"?'),
    ('currency = "usd"\nplans = 1 # ✗', "plans: is 1; expected a table"),
    (
        'currency = "usd"\n[plans.basic] # ✗\nprice.month = 1',
        "plans.basic.name: is missing; expected 1 to 100 characters",
    ),
    (PLAN + "credit = 5 # ✗", 'plans.basic.credit: unknown key; did you mean "credits"?'),
    (PLAN + "zzz = 5 # ✗", "plans.basic.zzz: unknown key; allowed here: credits, yearly_grant"),
    (PLAN + "price.week = 5 # ✗", "plans.basic.price.week: unknown key; allowed here: month, year"),
    (PLAN + 'price.year = "99.999" # ✗', "price.year: is '99.999'; expected an amount of USD above 0 with at most 2"),
    (PLAN + "price.year = 0 # ✗", "price.year: is 0; expected an amount of USD above 0"),
    (PLAN + "price.year = inf # ✗", "price.year: is Infinity; expected an amount"),
    (PLAN + "price.year = 1e99999999999999999999 # ✗", "price.year: is Infinity; expected an amount"),
    (PLAN + "price.year = true # ✗", "price.year: is true; expected an amount"),
    (PLAN + "price.year = [] # ✗", "price.year: is []; expected a number"),
    (
        PLAN + "credits = 5.5 # ✗",
        "plans.basic.credits: is 5.5; expected a whole number of credits from 0 to 1000000000",
    ),
    (PLAN + "credits = -1 # ✗", "credits: is -1; expected a whole number"),
    (PLAN + 'credits = "5" # ✗', "credits: is '5'; expected a whole number"),
    (PLAN + "credits = 1000000001 # ✗", "credits: is 1000000001; expected a whole number"),
    (PLAN + "per_seat = 1 # ✗", "per_seat: is 1; expected true or false"),
    (PLAN + "rollover = 101 # ✗", "rollover: is 101; expected a whole number from 0 to 100"),
    (PLAN + "rollover = true # ✗", "rollover: is true; expected a whole number"),
    (PLAN + "trial_days = 731 # ✗", "trial_days: is 731; expected a whole number from 0 to 730"),
    (PLAN + "priority = -1 # ✗", "priority: is -1; expected a whole number from 0 to 100"),
    (PLAN + 'yearly_grant = "year" # ✗', 'yearly_grant: is \'year\'; expected "monthly" or "upfront"'),
    (PLAN + "yearly_credits = 5 # ✗", 'yearly_credits: needs yearly_grant = "upfront"'),
    (PLAN + 'credits = 100000000 # ✗\nyearly_grant = "upfront"', "credits: make more than 1000000000 credits a year"),
    (PLAN + 'description = "" # ✗', "description: is ''; expected 1 to 1000 characters"),
    (PLAN + 'description = "a\\u0000b" # ✗', "description: is "),
    (PLAN + 'description = {en = "A", sp = "B"} # ✗', "description.sp: unknown language; allowed here: en, es, es_MX"),
    (PLAN + 'features = [\n"One",\n5, # ✗\n]', "plans.basic.features[2]: is 5; expected 1 to 1000 characters"),
    (PLAN + 'features = "One" # ✗', "features: is 'One'; expected a list of texts"),
    (PLAN + "quotas.images = 5 # ✗", "plans.basic.quotas.images: unknown key; nothing of that kind is declared"),
    (QUOTA + "[free_plan]\nquotas.image = 5 # ✗", 'free_plan.quotas.image: unknown key; did you mean "images"?'),
    (QUOTA + "[free_plan]\nquotas.images = -1 # ✗", "free_plan.quotas.images: is -1; expected a whole number from 0"),
    ('currency = "usd"\n[quotas.images] # ✗\nname = "Images"', "quotas.images.period: is missing"),
    (PLAN.replace("price.month = 15", "").replace("[plans.basic]", "[plans.basic] # ✗"), "price: names no price"),
    (
        'currency = "usd"\n[plans.Basic] # ✗\nname="B"\nprice.month=1',
        "plans.Basic: is not allowed as a name here; expected",
    ),
    (
        'currency = "usd"\n[plans.free] # ✗\nname="B"\nprice.month=1',
        "plans.free: is the id of the plan that is not sold",
    ),
    ('currency = "usd"\n[packs.p]\nname = "P"\nprice = 1\ncredits = 0 # ✗', "packs.p.credits: sells nothing; expected"),
    ('currency = "usd"\n[packs.p] # ✗\nname = "P"\nprice = 1', "packs.p.credits: sells nothing; expected"),
    (PACK + "expires_after_days = 0 # ✗", "expires_after_days: is 0; expected a whole number from 1 to 3650"),
    (PACK + 'resets = ["images"] # ✗', "packs.p.resets[1]: is 'images'; nothing of that kind is declared"),
    (QUOTA + PACK[17:] + 'resets = ["images", "images"] # ✗', "packs.p.resets[2]: is 'images' a second time"),
    (
        QUOTA + '[packs.p]\nname = "P"\nprice = 1\nresets = ["images"]\nbonus = 1 # ✗',
        "bonus: comes on top of `credits`",
    ),
    (PACK + "[topup] # ✗\nmax_threshold = 1\nmax_monthly_amount = 1", "topup.packs: names no pack"),
    (
        PACK + '[topup]\npacks = ["q"] # ✗\nmax_threshold = 1\nmax_monthly_amount = 1',
        "topup.packs[1]: is 'q'; allowed here: p",
    ),
    ('currency = "usd"\n[influencers.l]\nname = "L"\nstatus = "gone" # ✗', "status: is 'gone'; expected \"active\" or"),
    ('currency = "usd"\n[influencers.l]\nname = "L"\npicture_url = "javascript:x" # ✗', "expected https://… or a path"),
    (
        'currency = "usd"\n[influencers.l]\nname = "L"\n[influencers.l.tiers.b] # ✗\nname = "B"',
        "influencers.l.tiers.b.price: is missing",
    ),
    (ACTION.replace("[actions.a]", "[actions.a] # ✗"), "actions.a.cost: is missing; expected a number of credits"),
    (
        ACTION + 'cost = "0.0000001" # ✗',
        "cost: is '0.0000001'; expected a number of credits from 0 up to 1000000000 with at most 6",
    ),
    (ACTION + "cost = -5 # ✗", "cost: is -5; expected a number of credits from 0"),
    (ACTION + "cost = 5\nper = 15 # ✗", "actions.a.per: unknown key"),
    (ACTION + 'cost = 5\nkind = "fixed" # ✗', 'kind: is \'fixed\'; expected "flat" or "per_unit" or'),
    (ACTION.replace("[actions.a]", "[actions.a] # ✗") + 'cost = 5\nkind = "per_unit"', "actions.a.unit: is missing"),
    (ACTION + 'cost = 5\nkind = "per_unit"\nunit = "second"\nper = 0 # ✗', "per: is 0; expected a whole number from 1"),
    (ACTION + 'kind = "steps"\nunit = "second"\nsteps = [] # ✗', "steps: has no step; expected at least one"),
    (
        ACTION + 'kind = "steps"\nunit = "second"\nsteps = [\n{up_to = 5, cost = 1},\n{up_to = 5, cost = 2} # ✗\n]',
        "actions.a.steps[2].up_to: is 5; expected more than the step before, 5",
    ),
    (ACTION + 'kind = "steps"\nunit = "second"\nsteps = [\n{up_to = 5, costs = 1} # ✗\n]', "steps[1].cost: is missing"),
    (ACTION + 'kind = "steps"\nunit = "second"\nsteps = [5] # ✗', "steps[1]: is 5; expected a table in braces"),
    (
        ACTION + 'kind = "tokens" # ✗\nmodels.m = {input_per_million_usd=1, output_per_million_usd=1}',
        "set credit_value_usd",
    ),
    (
        "credit_value_usd = 1\n" + ACTION.replace("[actions.a]", "[actions.a] # ✗") + 'kind = "tokens"',
        "models: names no model",
    ),
    ('currency = "usd"\ncredit_value_usd = 0 # ✗', "credit_value_usd: is 0; expected a number above 0"),
    ('currency = "usd"\ncredit_value_usd = "a" # ✗', "credit_value_usd: is 'a'; expected a number above 0"),
    (
        ACTION + "cost = 1\non_failure.timeout = 101 # ✗",
        "on_failure.timeout: is 101; expected a whole number from 0 to 100",
    ),
    (ACTION + "cost = 1\non_failure.timeuot = 1 # ✗", 'on_failure.timeuot: unknown key; did you mean "timeout"?'),
    (ACTION + 'cost = 1\nenforcement = "off" # ✗', 'enforcement: is \'off\'; expected "enforce" or "observe"'),
    ('currency = "usd"\n\n[plans.basic # ✗\n', "is not TOML"),
    ('currency = "usd"\ncurrency = "eur" # ✗\n', "is not TOML"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_load_refuses_a_mistake_with_its_line(write: Write, text: str, message: str) -> None:
    line = next(number for number, line in enumerate(text.splitlines(), start=1) if "✗" in line)
    path = write(text.replace(" # ✗", "").replace("# ✗", ""))
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    lines = str(caught.value).splitlines()
    assert any(each.startswith(f"shop.toml, line {line}: ") and message in each for each in lines), lines
    findings = check_catalog(path)
    assert {finding.level for finding in findings} == {"wrong"}
    assert line in [finding.line for finding in findings]


def test_load_names_every_mistake_at_once(write: Write) -> None:
    path = write(PLAN + "credits = -1\nrollover = -1\n[packs.p]\n")
    assert [finding.line for finding in check_catalog(path)] == [5, 6, 7, 7, 7]


def test_load_a_file_that_is_missing_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"^gone\.toml: cannot be read: No such file"):
        load_catalog(tmp_path / "gone.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'currency = "usd"\n# B\xe1sico')
    with pytest.raises(CatalogError, match=r"^latin\.toml, line 2: is not UTF-8 text$"):
        load_catalog(latin)
    assert check_catalog(tmp_path / "gone.toml")[0].level == "wrong"


# Oddities: allowed, but look again


ODDITIES: list[tuple[str, str]] = [
    (PLAN + "credits = 1\nprice.year = 181 # ✗", "price.year: is $181.00, dearer than 12 months, which cost $180.00"),
    (
        PLAN.replace("[plans.basic]", "[plans.basic] # ✗"),
        "plans.basic: brings no credits, is not unlimited and sets no",
    ),
    (PLAN + "unlimited = true\ngrace_days = 3\ncredits = 5 # ✗", "credits: are never needed: the plan is unlimited"),
    (
        PLAN.replace("[plans.basic]", "[plans.basic] # ✗") + "unlimited = true",
        "plans.basic: has no grace_days: it stops being unlimited at each renewal",
    ),
    (PLAN + "credits = 1\ntrial_credits = 5 # ✗", "trial_credits: are never granted: there are no trial_days"),
    (PLAN + "rollover = 5 # ✗", "rollover: has nothing to roll over"),
    (
        PLAN + 'credits = 9\n[plans.more]\nname = "M"\nprice.month = 20\ncredits = 8 # ✗',
        'plans.more.credits: are fewer than those of "basic", which costs less',
    ),
    (
        PACK + '[packs.big]\nname = "B"\nprice = "2.01" # ✗\ncredits = 2',
        'packs.big.price: makes $1.005 a credit, dearer than the smaller "p" at $1.00',
    ),
    (PACK + '[influencers.l] # ✗\nname = "L"', "influencers.l: has no tiers"),
    (
        PACK + '[influencers.l]\nname = "L"\ntiers.b = {name="B", price=1, trial_credits=1} # ✗',
        "influencers.l.tiers.b.trial_credits: are never granted",
    ),
    (ACTION + "cost = 0 # ✗", "actions.a.cost: is 0 and no quota is used"),
    (
        ACTION + 'kind="steps"\nunit="second"\nsteps=[{up_to=1,cost=2},\n{up_to=2,cost=1}] # ✗',
        "actions.a.steps[2].cost: is less than the 2 of the step before",
    ),
    (QUOTA.replace("[quotas.images]", "[quotas.images] # ✗"), "quotas.images: is used by no action"),
    (
        QUOTA.replace("[quotas.images]", "[quotas.images] # ✗") + "[free_plan]\nquotas.images = 1\n" + PLAN[17:],
        'quotas.images: has no limit on "basic": it is unlimited there',
    ),
    (
        PACK + 'description = {en = "A", es = "B"}\n[topup]\npacks=["p"]\nmax_threshold=1\nmax_monthly_amount=1\n'
        '[free_plan]\nname = {en = "Free", es_MX = "Gratis"} # ✗',
        'free_plan.name: has no "es", which other texts have',
    ),
    ('currency = "usd" # ✗', "nothing is for sale"),
    ('currency = "usd" # ✗', "nothing costs anything"),
    (
        'currency = "usd"\n[plans] # ✗\n'
        + "\n".join(f'p{n} = {{name = "P{n}", price = {{month = 1}}, credits = 1}}' for n in range(11)),
        "plans: are more than the 10 that Stripe's portal can offer",
    ),
]


@pytest.mark.parametrize(("text", "message"), ODDITIES, ids=[message for _, message in ODDITIES])
def test_check_names_an_oddity_with_its_line(write: Write, text: str, message: str) -> None:
    line = next(number for number, line in enumerate(text.splitlines(), start=1) if "✗" in line)
    path = write(text.replace(" # ✗", ""))
    load_catalog(path)  # odd is not wrong
    findings = check_catalog(path)
    assert {finding.level for finding in findings} == {"odd"}
    assert any(finding.line == line and message in str(finding) for finding in findings), findings


def test_check_finds_nothing_in_a_sound_catalog(write: Write) -> None:
    path = write(PLAN + "credits = 100\nprice.year = 150\n" + PACK[17:] + ACTION[17:] + "cost = 5\n")
    assert check_catalog(path) == []


# Names at Stripe


def test_sellables_carry_the_names_of_the_contract(shop: Catalog) -> None:
    assert [(each.lookup_key, each.product_id) for each in sellables(shop)] == [
        ("plan:basic:month", "saldo_plan_basic"),
        ("plan:basic:year", "saldo_plan_basic"),
        ("plan:premium:month", "saldo_plan_premium"),
        ("plan:premium:year", "saldo_plan_premium"),
        ("pack:small", "saldo_pack_small"),
        ("pack:medium", "saldo_pack_medium"),
        ("pack:large", "saldo_pack_large"),
        ("influencer:luna-style:basic", "saldo_influencer_luna-style"),
        ("influencer:luna-style:premium", "saldo_influencer_luna-style"),
        ("influencer:nico-trail:basic", "saldo_influencer_nico-trail"),
    ]


def test_sellables_say_what_a_price_is_worth(shop: Catalog) -> None:
    by_key = {each.lookup_key: each for each in sellables(shop)}
    year = by_key["plan:basic:year"]
    assert (year.amount_minor, year.currency, year.interval, year.credits) == (21000, "usd", "year", 500 * MICRO)
    assert year.yearly_grant == "monthly"
    assert by_key["plan:basic:month"].yearly_grant is None
    pack = by_key["pack:large"]
    assert (pack.interval, pack.credits, pack.bonus) == (None, 1000 * MICRO, 150 * MICRO)
    assert by_key["pack:small"].expires_after_days == 365
    tier = by_key["influencer:luna-style:basic"]
    assert (tier.kind, tier.item, tier.tier, tier.interval) == ("influencer", "luna-style", "basic", "month")
    assert (tier.credits, tier.grace_days, tier.product_name) == (50 * MICRO, 3, "Luna Style")


def test_sellables_name_products_in_the_language_asked_for(shop: Catalog) -> None:
    assert sellables(shop, "es")[0].product_name == "Básico"


@pytest.mark.parametrize(
    ("keys", "credits"),
    [("", 100), ('yearly_grant = "upfront"', 1200), ('yearly_grant = "upfront"\nyearly_credits = 1500', 1500)],
)
def test_sellables_year_is_worth_a_month_or_all_at_once(write: Write, keys: str, credits: int) -> None:
    catalog = load_catalog(write(PLAN + "price.year = 150\ncredits = 100\n" + keys))
    month, year = sellables(catalog)
    assert (month.credits, year.credits) == (100 * MICRO, credits * MICRO)


def test_sellables_year_of_a_tier_brings_its_credits_at_once(write: Write) -> None:
    text = 'currency = "usd"\n[influencers.l]\nname = "L"\n[influencers.l.tiers.b]\nname = "B"\nprice = 99\n'
    (tier,) = sellables(load_catalog(write(text + 'interval = "year"\ncredits = 600')))
    assert (tier.interval, tier.credits, tier.yearly_grant) == ("year", 600 * MICRO, "upfront")


# Where keys stand

TRICKY = (
    r'''# [not.a.header]
a = "[x] # no = comment" # but this is one
b = """
[in.text]
c = 1 \""" still text
"""""
'quoted.key' = 1
"escaped \"\u0061" = 2
d.e.f = 3
g = [ [1, 2], # ] in a comment
  { h = 1, i.j = [
    4] } ]
k = '''
    + "'''"
    + r"""
it's \ text"""
    + "'''"
    + r"""
l = 1979-05-27T07:32:00.5Z
[ m . "n.o" ]
p = 1.5
[[q]]
r = 1
[[q]]
r = 2
[q.s]
t = 1
[[q.u]]
v = 1
[m]
w = {}
"""
)


def _paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, (*path, index))


@pytest.mark.parametrize("text", [TRICKY, DEFAULT.read_text(encoding="utf-8"), "", "\n", "a=1"])
def test_line_index_knows_just_what_toml_knows(text: str) -> None:
    assert set(LineIndex(text).lines) == set(_paths(tomllib.loads(text)))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 2),
        (("b",), 3),
        (("quoted.key",), 7),
        (('escaped "a',), 8),
        (("d", "e", "f"), 9),
        (("g", 0, 1), 10),
        (("g", 1, "h"), 11),
        (("g", 1, "i", "j", 0), 12),
        (("k",), 13),
        (("l",), 15),
        (("m", "n.o"), 16),
        (("m", "n.o", "p"), 17),
        (("q", 0, "r"), 19),
        (("q", 1), 20),
        (("q", 1, "r"), 21),
        (("q", 1, "s", "t"), 23),
        (("q", 1, "u", 0, "v"), 25),
        (("m",), 26),
        (("m", "w", "missing", "deeper"), 27),
        (("nowhere",), 1),
    ],
)
def test_line_index_line(path: KeyPath, line: int) -> None:
    assert LineIndex(TRICKY).line(path) == line


VALUES = st.sampled_from(
    [
        "1",
        "-1.5e3",
        '"]}#="',
        "'''\n[x]\n'''",
        '"""\\"""\n"""',
        "[\n1, # ]\n2,\n]",
        "{ x = [{ y = 1 }], z = 2 }",
        "[[], {}]",
    ]
)
HEADERS = st.sampled_from(["", "[h{n}]\n", "[h{n}.'i.j']\n", "[[t]]\n", "# [c]\n", "\n\n"])


@given(st.lists(st.tuples(HEADERS, VALUES), max_size=12))
def test_line_index_follows_any_document(statements: list[tuple[str, str]]) -> None:
    text, expected = "", {}
    for number, (header, value) in enumerate(statements):
        text += header.format(n=number)
        expected[f"k{number}"] = text.count("\n") + 1
        text += f"k{number} = {value}\n"
    index = LineIndex(text)
    assert set(index.lines) == set(_paths(tomllib.loads(text)))
    assert {path[-1]: line for path, line in index.lines.items() if path and path[-1] in expected} == expected
