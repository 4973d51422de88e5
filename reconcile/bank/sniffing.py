"""Which format a bank file has, from its first bytes; a CSV file has no mark of its own."""

import re

from reconcile.bank.camt import CONTAINERS
from reconcile.bank.texts import head_text

HEAD_BYTES = 16_384
_BAI2 = re.compile(r"\s*01,[^,\n]*,[^,\n]*,[0-9]{6},")
_MT940 = re.compile(r"(^|\{4:)\s*:20:", re.MULTILINE)


def sniff(head: bytes, name: str = "") -> str | None:
    """`bank.camt053`, `bank.camt052`, `bank.camt054`, `bank.mt940`, `bank.bai2`, `bank.ofx` or
    None; `head` is the start of the file, `name` its base name, which only breaks ties.
    """
    text = head_text(head[:HEAD_BYTES])
    if "OFXHEADER" in text or re.search(r"<OFX\s*>", text, re.IGNORECASE):
        return "bank.ofx"
    if "<" in text[:200]:
        for container, (form, _) in CONTAINERS.items():
            if re.search(rf"<([\w.-]+:)?{container}[\s>]", text):
                return form
        # The message starts behind a long envelope: its namespace may stand there already.
        found = re.search(r"tech:xsd:camt\.05([234])\.001", text)
        return f"bank.camt05{found[1]}" if found else None
    if _BAI2.match(text):
        return "bank.bai2"
    named = name.lower().endswith((".sta", ".mt940", ".940"))
    if _MT940.search(text) and (named or re.search(r"^:25P?:", text, re.MULTILINE)):
        return "bank.mt940"
    return None
