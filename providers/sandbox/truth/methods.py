"""Customers and the methods they pay with.

A number is looked up among the published test numbers and forgotten at once; nothing stores it.
"""

from copy import deepcopy

from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Customer, Json, Method
from providers.sandbox.truth.refusals import Missing, Refusal
from providers.sandbox.truth.templates import NUMBERS, template


def create_customer(core: Core, details: Json, metadata: dict[str, str]) -> Customer:
    """A new customer with the face's own words about them."""
    customer = Customer(core.new_id("cus"), core.now(), details, metadata)
    core.store.add(customer)
    core.tell("customer.created", customer)
    return customer


def customer(core: Core, customer_id: str) -> Customer:
    """A customer that was not deleted.

    Raises:
        Missing: there is none.
    """
    found = core.store.get(Customer, customer_id)
    if found.deleted:
        raise Missing("customer", customer_id)
    return found


def change_customer(core: Core, customer_id: str, details: Json, metadata: Json) -> Customer:
    """Merge new words into a customer; metadata set to an empty text is removed.

    Raises:
        Missing: there is none.
    """
    found = customer(core, customer_id)
    found.details.update(details)
    found.metadata = merged(found.metadata, metadata)
    core.store.save(found)
    core.tell("customer.updated", found)
    return found


def delete_customer(core: Core, customer_id: str) -> Customer:
    """Forget a customer and what is known about them; their methods are detached.

    Raises:
        Missing: there is none.
    """
    found = customer(core, customer_id)
    for _, method in list(core.store.newest(Method, parent=customer_id)):
        _let_go(core, method)
    found.deleted, found.details, found.metadata = True, {}, {}
    core.store.save(found)
    core.tell("customer.deleted", found)
    return found


def merged(old: dict[str, str], new: Json) -> dict[str, str]:
    """Old metadata with the new laid over it; an empty value removes its key."""
    both = {**old, **{key: str(value) for key, value in new.items()}}
    return {key: value for key, value in both.items() if value != ""}


def make_method(core: Core, name: str, billing: Json, metadata: dict[str, str]) -> Method:
    """A new method like the test method of that public name.

    Raises:
        Missing: no test method has that name.
    """
    found = template(name)
    if found is None:
        raise Missing("method", name)
    method = Method(
        core.new_id("pm"), core.now(), found.kind, found.behaviour, deepcopy(found.details),
        billing, metadata,
    )  # fmt: skip
    core.store.add(method)
    return method


def method_of_number(number: str) -> str:
    """The public name of the test method that has this card or account number.

    Raises:
        Refusal: `not_a_test_number`; the number is not repeated in the message.
    """
    name = NUMBERS.get(number.replace(" ", ""))
    if name is None:
        raise Refusal(
            "not_a_test_number",
            "Only published test numbers are taken here; real ones must never reach a server.",
        )
    return name


def method(core: Core, method_id: str) -> Method:
    """The method of that id; a public test name makes a new one.

    Raises:
        Missing: there is none.
    """
    if template(method_id):
        return make_method(core, method_id, {}, {})
    return core.store.get(Method, method_id)


def attach(core: Core, method_id: str, customer_id: str) -> Method:
    """Keep a method with a customer.

    Raises:
        Missing: no such method or customer.
        Refusal: `method_unusable`, it was detached or belongs to somebody else.
    """
    owner = customer(core, customer_id)
    found = method(core, method_id)
    if found.detached or (found.customer_id and found.customer_id != owner.id):
        raise Refusal(
            "method_unusable",
            "This payment method was detached or is another customer's: it cannot be attached.",
            field="method",
        )
    found.customer_id = owner.id
    core.store.save(found)
    core.store.run("UPDATE records SET parent = ? WHERE id = ?", owner.id, found.id)
    core.tell("method.attached", found)
    return found


def detach(core: Core, method_id: str) -> Method:
    """Take a method from its customer for good.

    Raises:
        Missing: no such method.
        Refusal: `method_unusable`, it is not attached.
    """
    found = core.store.get(Method, method_id)
    if found.customer_id is None:
        raise Refusal("method_unusable", "This payment method is not attached to a customer.")
    return _let_go(core, found)


def _let_go(core: Core, found: Method) -> Method:
    found.customer_id, found.detached = None, True
    core.store.save(found)
    core.store.run("UPDATE records SET parent = NULL WHERE id = ?", found.id)
    core.tell("method.detached", found)
    return found


def snapshot(found: Method) -> Json:
    """What a charge remembers of the method it used."""
    return {
        "id": found.id,
        "kind": found.kind,
        "behaviour": found.behaviour,
        "details": found.details,
        "billing": found.billing,
    }
