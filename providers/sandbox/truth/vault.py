"""The vault: methods kept for later payments, each behind its owner's agreement.

Test methods stand under public names; a number is looked up there and forgotten.
"""

from copy import deepcopy

from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Json, Method, Setup
from providers.sandbox.truth.refusals import Missing, Refusal
from providers.sandbox.truth.templates import Template, template

DEFAULT = "wallet_buyer"
"""The wallet a payer agrees with when none is named."""


def _wallet(behaviour: str, name: str) -> Template:
    details: Json = {"email": f"{name}@payer.example.com", "payer_id": "PAYER234SANDX"}
    return Template("paypal", behaviour, details)


WALLETS: dict[str, Template] = {
    DEFAULT: _wallet("succeed", "buyer"),
    "wallet_declined": _wallet("declined", "declined"),
    "wallet_no_funds": _wallet("no_funds", "nofunds"),
    "wallet_review": _wallet("review", "review"),
    "wallet_review_denied": _wallet("review_denied", "denied"),
    "wallet_authenticate": _wallet("authenticate", "authenticate"),
}
"""Public name -> test wallet; the test cards of `templates` can be used beside them."""


def named(name: str) -> Template | None:
    """The test wallet or card of that public name, None when there is none."""
    found = WALLETS.get(name) or template(name)
    return found if found and found.kind in ("card", "paypal") else None


def make(core: Core, name: str, customer_id: str | None) -> Method:
    """A new method like the test method of that public name.

    Raises:
        Missing: no test method has that name.
    """
    found = named(name)
    if found is None:
        raise Missing("method", name)
    method = Method(
        core.new_id("pm"), core.now(), found.kind, found.behaviour, deepcopy(found.details),
        customer_id=customer_id,
    )  # fmt: skip
    core.store.add(method, parent=customer_id)
    return method


def find(core: Core, token: str) -> Method:
    """The vaulted method of that token; a public test name makes a new one.

    Raises:
        Missing: there is none, or it was removed.
    """
    if named(token):
        return make(core, token, None)
    found = core.store.get(Method, token)
    if found.detached:
        raise Missing("method", token)
    return found


def prepare(core: Core, name: str, customer_id: str | None) -> Setup:
    """Begin to keep a method: cards are ready at once, wallets wait for their owner.

    Raises:
        Missing: no test method has that name.
    """
    found = named(name)
    if found is None:
        raise Missing("method", name)
    status = "approved" if found.kind == "card" else "needs_action"
    setup = Setup(core.new_id("seti"), core.now(), name, status, customer_id)
    core.store.add(setup)
    return setup


def approve(core: Core, setup_id: str) -> Setup:
    """The wallet's owner agrees.

    Raises:
        Missing: no such setup.
        Refusal: `wrong_state`.
    """
    setup = core.store.get(Setup, setup_id)
    if setup.status != "needs_action":
        raise Refusal("wrong_state", f"This setup is {setup.status}: nobody has to agree to it.")
    setup.status = "approved"
    core.store.save(setup)
    return setup


def keep(core: Core, setup_id: str, customer_id: str | None) -> Method:
    """Make the vaulted method of an approved setup.

    Raises:
        Missing: no such setup.
        Refusal: `setup_not_approved` or `setup_used`.
    """
    setup = core.store.get(Setup, setup_id)
    if setup.status != "approved":
        reason = "setup_used" if setup.status == "used" else "setup_not_approved"
        raise Refusal(reason, f"This setup token is {setup.status}.")
    setup.status = "used"
    core.store.save(setup)
    method = make(core, setup.template, setup.customer_id or customer_id)
    core.tell("method.attached", method)
    return method


def remove(core: Core, token: str) -> None:
    """Make a vaulted method useless.

    Raises:
        Missing: there is none.
    """
    found = core.store.get(Method, token)
    if found.detached:
        raise Missing("method", token)
    found.detached = True
    core.store.save(found)
    core.tell("method.detached", found)
