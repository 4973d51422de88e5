"""Headers of a delivery: names in any case, each once, nothing but short printable ASCII."""

from collections.abc import Mapping

from domain.errors import InvalidSignature


def one_header(headers: Mapping[str, str], name: str, longest: int) -> str:
    """The value of a header that has to be there.

    Raises:
        InvalidSignature: it is missing, empty, given twice, too long or not plain ASCII.
    """
    found = [value for key, value in headers.items() if key.lower() == name.lower()]
    if len(found) != 1 or not found[0]:
        raise InvalidSignature(f"The delivery has no single {name} header.")
    value = found[0]
    if len(value) > longest:
        raise InvalidSignature(f"The {name} header is too long.")
    if not (value.isascii() and value.isprintable()):
        raise InvalidSignature(f"The {name} header is not plain ASCII.")
    return value
