// Everything works without this file; with it, pages save their reader a click.

// What is wrong with a form is read first, also where a fragment in the address keeps `autofocus` from working.
document.querySelector(".error-summary")?.focus();

// The month/year choice takes effect at once.
for (const button of document.querySelectorAll("[data-submits-itself]")) {
  button.hidden = true;
  button.form.addEventListener("change", () => button.form.requestSubmit());
}

// The balance follows what happens elsewhere, in the header and wherever else it stands, while the page is looked at.
const pill = document.querySelector("[data-balance]");
if (pill) {
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/balance/now", { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return;
      const balance = await answer.json();
      for (const shown of document.querySelectorAll("[data-figure]")) shown.textContent = balance[shown.dataset.figure];
      pill.classList.toggle("balance-pill-low", balance.low);
    } catch {
      // The next turn tries again; what is shown was true a moment ago.
    }
  };
  setInterval(refresh, 20_000);
  document.addEventListener("visibilitychange", refresh);
}

// A menu closes when the reader goes elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A payment page is asked for once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post") form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// While a payment is being confirmed, look again without loading the page; the server says for how long.
const waiting = document.querySelector("[data-waiting]");
if (waiting) {
  const look = async (address) => {
    let next = address;
    try {
      const page = await (await fetch(address)).text();
      next = new DOMParser().parseFromString(page, "text/html").querySelector("[data-waiting]")?.dataset.waiting;
    } catch {
      // Not reached this time; the next look may be.
    }
    if (next) setTimeout(look, 2_000, next);
    else location.replace(address);
  };
  setTimeout(look, 2_000, waiting.dataset.waiting);
}
