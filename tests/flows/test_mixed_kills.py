"""The whole process group is killed at random while everything goes on at once: nothing is lost or done twice."""

from __future__ import annotations

import faulthandler
import random
import time

import pytest

from tests.flows.conftest import Town
from tests.flows.mixed_load import SECONDS, begin

pytestmark = pytest.mark.force

KINDS = {"debit", "hold", "capture", "void", "give_back", "checkout", "refund"}


HANGS_SECONDS = 600


@pytest.mark.parametrize("kills", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_whatever_was_acknowledged_has_happened_once_however_often_all_is_killed__F160(town: Town, kills: int) -> None:
    town.sandbox.control("webhooks", {"off": True})
    load = begin(town, f"mixed{kills}")
    begun_at = time.monotonic()
    for _ in range(kills):
        # Each round has the time that pytest otherwise gives to a whole test.
        faulthandler.dump_traceback_later(HANGS_SECONDS, exit=True)
        with load.going_on():
            time.sleep(random.uniform(0.1, 0.8))
            town.installation.kill_server()
        town.installation.start_server()
        load.pay()
    # Once more undisturbed, so that each kind of act is there also in a short run.
    with load.going_on():
        give_up_at = time.monotonic() + SECONDS
        while KINDS - {act.kind for act in load.acts if act.done} and time.monotonic() < give_up_at:
            load.pay()
            time.sleep(0.5)
    assert {act.kind for act in load.acts if act.done} >= KINDS
    assert load.cut_off >= kills, "each kill cut somebody off"

    load.ask_again()
    town.installation.command("worker", "--once")
    town.installation.command("stripe", "reconcile")
    load.assert_each_happened_once()
    load.assert_holds_stand()
    load.assert_money_went_back_once()
    assert town.installation.command("ledger", "audit") == "The books are right.\n"
    done = sum(act.done for act in load.acts)
    print(
        f"{kills} kills, {len(load.acts)} acts, {done} acknowledged, {load.cut_off} cut off,"
        f" {len(load.acknowledged)} events, {len(load.paid)} packs, {time.monotonic() - begun_at:.0f} s"
    )
