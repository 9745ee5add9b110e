"""What is for sale and what things cost, as frozen dataclasses; `reading` fills them from the file.

Amounts of money are minor units of `Catalog.currency`, credits are micro-credits, shares are percent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, TypeVar

from billing.errors import NotFound, UnknownAction

_Thing = TypeVar("_Thing")

Interval = Literal["month", "year"]
QuotaPeriod = Literal["month", "lifetime"]
ActionKind = Literal["flat", "per_unit", "steps", "tokens"]
YearlyGrant = Literal["monthly", "upfront"]
Enforcement = Literal["enforce", "observe"]
InfluencerStatus = Literal["active", "suspended", "retired"]
FailureReason = Literal["moderation", "timeout", "provider_error", "user_cancelled"]

FREE_PLAN = "free"
"""Id of the plan that everybody without a paid one is on."""

DEFAULT_PRIORITY = 50
"""Place in the burn order of R3 for what says nothing of its own: 0 is spent first, 100 last."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words for people, in one language for all or in several."""

    translations: Mapping[str, str]

    def get(self, locale: str) -> str:
        """The words for a locale: its own, else its language's (`es_MX` → `es`), else English, else any."""
        words = self.translations
        for wanted in (locale, locale.split("_")[0], "en"):
            if wanted in words:
                return words[wanted]
        return next(iter(words.values()), "")

    def __bool__(self) -> bool:
        return any(self.translations.values())


NO_TEXT = Text({})


@dataclass(frozen=True, slots=True)
class QuotaRule:
    """Something that is counted beside credits; every plan may set its own limit on it."""

    id: str
    name: Text
    period: QuotaPeriod


@dataclass(frozen=True, slots=True)
class Quota:
    """One plan's limit on a resource: `limit` uses in each month, or ever (`lifetime`)."""

    resource: str
    limit: int
    period: QuotaPeriod


@dataclass(frozen=True, slots=True)
class FreePlan:
    """What customers have without paying: credits once at sign-up, a refill each month, limits."""

    name: Text
    description: Text = NO_TEXT
    signup_credits: int = 0
    monthly_refill: int = 0
    priority: int = DEFAULT_PRIORITY
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    features: tuple[Text, ...] = ()
    id: str = FREE_PLAN


@dataclass(frozen=True, slots=True)
class Plan:
    """A subscription: what it costs by interval, and the credits each cycle brings (R9 to R11).

    `credits` are a month's, also on a yearly price that grants by the month; `yearly_credits` are what a year
    with `yearly_grant = "upfront"` brings at once. `grace_days` is how long an `unlimited` plan goes on beyond the
    paid period, while a payment is late (R13).
    """

    id: str
    name: Text
    description: Text
    prices: Mapping[Interval, int]
    credits: int
    yearly_credits: int
    per_seat: bool
    trial_days: int
    trial_credits: int
    rollover_percent: int
    yearly_grant: YearlyGrant
    unlimited: bool
    priority: int
    quotas: Mapping[str, Quota]
    features: tuple[Text, ...]
    grace_days: int = 0


@dataclass(frozen=True, slots=True)
class Pack:
    """Credits, or the reset of quotas, bought once; `expires_after_days` None is never."""

    id: str
    name: Text
    description: Text
    price: int
    credits: int
    bonus: int
    expires_after_days: int | None
    resets: tuple[str, ...]
    priority: int


@dataclass(frozen=True, slots=True)
class Tier:
    """One way to subscribe to an influencer; its credits pay only for that influencer."""

    id: str
    name: Text
    description: Text
    price: int
    interval: Interval
    credits: int
    trial_days: int
    trial_credits: int
    grace_days: int
    priority: int


@dataclass(frozen=True, slots=True)
class Influencer:
    """A character that customers subscribe to, each by a subscription of its own."""

    id: str
    name: Text
    handle: str | None
    platform: str | None
    niche: Text
    description: Text
    picture_url: str | None
    status: InfluencerStatus
    tiers: Mapping[str, Tier]


@dataclass(frozen=True, slots=True)
class Step:
    """A price for so many units or fewer."""

    up_to: int
    cost: int


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """What one model costs instead of the action's own price; tokens are priced by model only."""

    cost: int | None = None
    steps: tuple[Step, ...] = ()
    input_per_million_usd: Fraction | None = None
    output_per_million_usd: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """Something an app charges for; `pricing` says what it costs.

    - `flat`: `cost` each time.
    - `per_unit`: `cost` for every `per` units begun, up to `max_units`.
    - `steps`: the cost of the first step that is large enough.
    - `tokens`: the model's price in USD, times `markup`, divided by `Catalog.credit_value_usd`.
    """

    id: str
    name: Text
    description: Text
    kind: ActionKind
    cost: int
    unit: str | None
    per: int
    max_units: int | None
    steps: tuple[Step, ...]
    models: Mapping[str, ModelPrice]
    markup: Fraction
    quotas: tuple[str, ...]
    requires_influencer: bool
    on_failure: Mapping[FailureReason, int]
    enforcement: Enforcement | None


@dataclass(frozen=True, slots=True)
class TopUp:
    """Limits on automatic top-up: what may be bought, how high the trigger, how much money a month."""

    packs: tuple[str, ...]
    max_threshold: int
    max_monthly_amount: int


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything one business sells and charges for. `version` changes whenever the file does."""

    currency: str
    credit_value_usd: Fraction | None
    free_plan: FreePlan
    quotas: Mapping[str, QuotaRule]
    plans: Mapping[str, Plan]
    packs: Mapping[str, Pack]
    influencers: Mapping[str, Influencer]
    actions: Mapping[str, Action]
    topup: TopUp | None
    version: str

    def plan(self, plan_id: str) -> Plan:
        """A plan that is sold; raises `NotFound`, also for the free one, which nobody can buy."""
        return _find(self.plans, plan_id)

    def pack(self, pack_id: str) -> Pack:
        """A pack; raises `NotFound`."""
        return _find(self.packs, pack_id)

    def influencer(self, influencer_id: str) -> Influencer:
        """An influencer; raises `NotFound`."""
        return _find(self.influencers, influencer_id)

    def tier(self, influencer_id: str, tier_id: str) -> Tier:
        """A tier of an influencer; raises `NotFound`."""
        return _find(self.influencer(influencer_id).tiers, tier_id)

    def action(self, action_id: str) -> Action:
        """An action; raises `UnknownAction`."""
        if action_id not in self.actions:
            raise UnknownAction()
        return self.actions[action_id]

    def quotas_of(self, plan_id: str) -> Mapping[str, Quota]:
        """The limits of a plan, or of the free one; raises `NotFound`."""
        return self.free_plan.quotas if plan_id == FREE_PLAN else self.plan(plan_id).quotas


def _find(things: Mapping[str, _Thing], wanted: str) -> _Thing:
    if wanted not in things:
        raise NotFound()
    return things[wanted]
