"""Which uses a page shows: the days, and what they are parted by."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flask_babel import gettext, lazy_gettext
from werkzeug.datastructures import MultiDict
from wtforms import DateField, Form, SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import ValidationError

from billing import clock
from billing.usage_report import TRAITS, Trait
from web import words

USUAL_DAYS = 30
MAX_DAYS = 366

TRAIT_NAMES: dict[Trait, object] = {
    "action": lazy_gettext("Action"),
    "model": lazy_gettext("Model"),
    "agent": lazy_gettext("Agent"),
    "thread": lazy_gettext("Thread"),
    "influencer": lazy_gettext("Influencer"),
}


class UsageForm(Form):
    """Days, both included, and the trait; it changes nothing, so it needs no CSRF token."""

    by = SelectField(lazy_gettext("Group by"), choices=[], validate_choice=False)
    from_ = DateField(lazy_gettext("From"), name="from")
    to = DateField(lazy_gettext("To"))

    def __init__(self, asked: MultiDict[str, str]) -> None:
        super().__init__(asked)
        self.by.choices = [SelectChoice(trait, str(name)) for trait, name in TRAIT_NAMES.items()]
        today = clock.now().astimezone(UTC).date()
        self.by.data = self.by.data or "action"
        if self.to.data is None and not self.to.process_errors:
            self.to.data = today
        if self.from_.data is None and not self.from_.process_errors and self.to.data is not None:
            usual = max(self.to.data.toordinal() - USUAL_DAYS + 1, 1)
            self.from_.data = date.fromordinal(usual)
        for field in (self.from_, self.to):
            field.raw_data = None  # a browser's date field can only show a date

    def validate_by(self, field: SelectField) -> None:
        """Refuse what is no trait."""
        if field.data not in TRAITS:
            raise ValidationError(gettext("Uses cannot be grouped by that"))

    def validate_to(self, field: DateField) -> None:
        """Refuse days that end before they begin, and more of them than a page can show."""
        if not field.data or not self.from_.data:
            return
        if field.data < self.from_.data:
            raise ValidationError(gettext("“To” is before “From”"))
        if (field.data - self.from_.data).days >= MAX_DAYS:
            raise ValidationError(gettext("Choose at most %(days)s days", days=MAX_DAYS))

    def validate(self, extra_validators: object = None) -> bool:
        """Also say what a day looks like, where something else was entered."""
        wrong = [field for field in (self.from_, self.to) if field.process_errors]
        is_valid = bool(super().validate()) and not wrong
        for field in wrong:
            field.errors = [gettext("Enter a date such as 2026-03-31")]
        return is_valid

    @property
    def heading(self) -> str:
        """What the trait is called."""
        return str(TRAIT_NAMES[self.by.data])

    @property
    def limits(self) -> tuple[datetime, datetime]:
        """The first moment, and the first one no longer in it."""
        assert isinstance(self.from_.data, date)
        assert isinstance(self.to.data, date)
        end = datetime.combine(self.to.data, time(), UTC)
        return datetime.combine(self.from_.data, time(), UTC), end + timedelta(
            days=1
        ) if self.to.data < date.max else end


def key_name(by: Trait, key: str | None) -> str:
    """What a part is called."""
    if key is None:
        return gettext("not given")
    if by == "action":
        return words.action_name(key)
    return words.influencer_name(key) if by == "influencer" else key
