"""People at plain browsers without scripts: they see pages, follow links and press buttons, over real HTTP."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

PASSWORD = "correct horse battery"
HEADINGS = ("h1", "h2", "h3")
INLINE = ("a", "b", "em", "small", "span", "strong")
"""Tags that do not part words."""
SECONDS = 60


@dataclass
class Form:
    """A form as it stands on the page, filled in as the page has it; `under` is the heading before it."""

    action: str
    method: str
    under: str
    fields: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    buttons: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def button(self, label: str) -> dict[str, str] | None:
        """What pressing this button (its label or how that begins) sends of its own; None without such a button."""
        exact = [sent for text, sent in self.buttons if text == label]
        return next(iter(exact or [sent for text, sent in self.buttons if text.startswith(label)]), None)


class _Reader(HTMLParser):
    """Reads forms, links and tables of a page, and the words of its main part."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._heading = ""
        self._select = ""
        self._skipped = ""
        self._in_main = False
        self._texts: list[tuple[str, dict[str, str], list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._part_words(tag)
        if tag in ("script", "style", "title"):
            self._skipped = tag
        elif tag == "main":
            self._in_main = True
        elif tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower(), self._heading)
            self.forms.append(self._form)
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("a", "button", "th", "td", "textarea", *HEADINGS):
            self._texts.append((tag, given, []))
        elif self._form is not None:
            self._read_field(self._form, tag, given)

    def _read_field(self, form: Form, tag: str, given: dict[str, str]) -> None:
        if tag == "input" and "name" in given:
            form.names.add(given["name"])
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                form.fields[given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
            form.names.add(self._select)
        elif tag == "option" and ("selected" in given or self._select not in form.fields):
            form.fields[self._select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        if self._in_main:
            self.words.append(data)
        for _, _, texts in self._texts:
            texts.append(data)

    def _part_words(self, tag: str) -> None:
        if tag not in INLINE:
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        self._part_words(tag)
        self._skipped = "" if tag == self._skipped else self._skipped
        if tag == "main":
            self._in_main = False
        elif tag == "form":
            self._form = None
        if self._texts and self._texts[-1][0] == tag:
            _, given, texts = self._texts.pop()
            self._read_text(tag, given, _squeeze(texts))

    def _read_text(self, tag: str, given: dict[str, str], text: str) -> None:
        if tag == "a":
            self.links.append((text, given.get("href", "")))
        elif tag in ("th", "td"):
            self.rows[-1].append(text)
        elif tag in HEADINGS:
            self._heading = text
        elif self._form is not None and tag == "textarea":
            self._form.names.add(given["name"])
            self._form.fields[given["name"]] = text
        elif self._form is not None:
            self._form.buttons.append((text, {given["name"]: given.get("value", "")} if "name" in given else {}))


class Page:
    """What came back, after all redirects; `text` is what its main part says."""

    def __init__(self, answer: requests.Response) -> None:
        self.status = answer.status_code
        self.url = answer.url
        reader = _Reader()
        reader.feed(answer.text)
        self.forms = reader.forms
        self.links = reader.links
        self.rows = [row for row in reader.rows if row]
        self.text = _squeeze(reader.words)

    @property
    def path(self) -> str:
        """The address without its origin and query."""
        return re.sub(r"^\w+://[^/]+|\?.*$", "", self.url)

    @property
    def session_id(self) -> str:
        """The Checkout Session in the address."""
        found = re.search(r"cs_test_\w+", self.url)
        assert found, self.url
        return found[0]

    def form(self, button: str, under: str | None = None) -> Form:
        """The form that this button sends; with `under` the one below that heading."""
        found = [each for each in self.forms if each.button(button) is not None and under in (None, each.under)]
        assert found, f"no button {button!r} at {self.url}: {self.text[:2000]}"
        return found[0]

    def __contains__(self, text: str) -> bool:
        return text in self.text

    def __repr__(self) -> str:
        return f"{self.status} {self.url}: {self.text}"

    def row(self, *texts: str) -> list[str]:
        """The one table row that has all these texts."""
        found = [row for row in self.rows if all(text in " ".join(row) for text in texts)]
        assert len(found) == 1, (texts, self.rows)
        return found[0]


class Person:
    """Somebody at a browser of their own; `page` is what they see."""

    page: Page

    def __init__(self, url: str) -> None:
        self.url = url
        self._browser = requests.Session()
        self._browser.trust_env = False

    def open(self, path: str) -> Page:
        """Enter an address."""
        return self._see("get", urljoin(self.url, path))

    def follow(self, link: str) -> Page:
        """Click on a link."""
        found = [href for text, href in self.page.links if text == link]
        assert found, f"no link {link!r} at {self.page.url}: {self.page.links}"
        return self._see("get", urljoin(self.page.url, found[0]))

    def press(self, button: str, under: str | None = None, **fields: str) -> Page:
        """Fill in the fields of a button's form and press it; with `under` the one below that heading."""
        return self.send(self.page.form(button, under), button, **fields)

    def send(self, form: Form, button: str, **fields: str) -> Page:
        """Send a form seen before, perhaps once more."""
        pressed = form.button(button)
        assert pressed is not None
        assert form.names >= set(fields), (form.names, fields)
        return self._see(form.method, urljoin(self.page.url, form.action), {**form.fields, **fields, **pressed})

    def _see(self, method: str, url: str, fields: dict[str, str] | None = None) -> Page:
        if method == "get":
            # A form sent by GET takes the place of the query that stood there.
            url = url if fields is None else url.partition("?")[0]
            answer = self._browser.get(url, params=fields, timeout=SECONDS)
        else:
            answer = self._browser.post(url, data=fields, timeout=SECONDS)
        assert answer.status_code != 500, answer.text
        self.page = Page(answer)
        return self.page


class Customer(Person):
    """Somebody who registers and buys."""

    def register(self, email: str, name: str = "") -> Page:
        """Make an account, and be signed in."""
        self.email = email
        self.open("/register")
        page = self.press("Create account", name=name, email=email, password=PASSWORD)
        assert page.path == "/balance", page.text
        return page

    def choose_plan(self, plan: str, interval: str = "month") -> Page:
        """From the prices to the payment page."""
        self.open(f"/plans?interval={interval}")
        return self._to_payment(f"Choose {plan}")

    def choose_pack(self, pack: str, quantity: int = 1) -> Page:
        """From the packs to the payment page."""
        self.open("/packs")
        return self._to_payment(f"Buy {pack}", quantity=str(quantity))

    def choose_influencer(self, influencer: str, tier: str) -> Page:
        """From an influencer's page to the payment page."""
        self.open(f"/influencers/{influencer}")
        return self._to_payment(f"Subscribe: {tier}")

    def pay(self) -> Page:
        """On the payment page, with a card that is good, and back."""
        page = self.press("Subscribe") if "Subscribe Your order" in self.page.text else self.press("Pay $")
        assert page.path == "/checkout/return", page.text
        return page

    def _to_payment(self, button: str, **fields: str) -> Page:
        page = self.press(button, **fields)
        assert page.path.startswith("/c/pay/cs_test_"), page.text
        return page


class Staff(Person):
    """Somebody who works at the desk."""

    def find(self, wanted: str) -> Page:
        """Search for a customer."""
        self.open("/staff")
        return self.press("Find", q=wanted)

    def open_customer(self, wanted: str) -> Page:
        """Search for a customer, who has to be the only one found, and open their page."""
        page = self.find(wanted)
        (path,) = {href for _, href in page.links if href.startswith("/staff/customers/")}
        return self.open(path)

    def preview_refund(self, payment_id: str, **fields: str) -> Page:
        """Fill in the form of a refund, and see what it would do."""
        self.open(f"/staff/payments/{payment_id}/refund")
        return self.press("Preview", **{"reason": "requested_by_customer", **fields})

    def refund(self, payment_id: str, **fields: str) -> Page:
        """Give money back, all that is left unless an `amount` is given; leads to the refund's page."""
        self.preview_refund(payment_id, **fields)
        return self.press("Give")


def _squeeze(texts: list[str]) -> str:
    return re.sub(r"\s+", " ", "".join(texts)).strip()
