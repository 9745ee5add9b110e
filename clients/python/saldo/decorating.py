"""`@credits.charged(…)`: each call of a function is a job under a hold of its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from saldo.holds import Hold

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

CustomerOf = str | Callable[..., str]
"""The name of the argument that holds the customer's id, or a function of all arguments."""


def under_hold(
    job: Callable[_Arguments, _Result], customer: CustomerOf, place_hold: Callable[[str], Hold]
) -> Callable[_Arguments, _Result]:
    """The function, run inside `with place_hold(customer)`.

    A parameter called `hold` that the caller leaves out gets the hold. Raises `TypeError` for coroutines and
    generators, whose call returns before the job begins, and for a customer that no parameter names.
    """
    if inspect.iscoroutinefunction(job) or inspect.isgeneratorfunction(job) or inspect.isasyncgenfunction(job):
        raise TypeError("charged() is for plain functions; use `with credits.hold(…)` inside this one")
    signature = inspect.signature(job)
    if isinstance(customer, str) and customer not in signature.parameters:
        raise TypeError(f"the function has no parameter called {customer!r} that names the customer")
    takes_hold = "hold" in signature.parameters

    @functools.wraps(job)
    def run(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        wants_hold = takes_hold and "hold" not in signature.bind_partial(*args, **kwargs).arguments
        # Wrong arguments are told before credits are set aside.
        bound = signature.bind(*args, **{**kwargs, "hold": None} if wants_hold else kwargs)
        bound.apply_defaults()
        who = customer(*args, **kwargs) if callable(customer) else str(bound.arguments[customer])
        with place_hold(who) as hold:
            if wants_hold:
                kwargs["hold"] = hold
            return job(*args, **kwargs)

    return run
