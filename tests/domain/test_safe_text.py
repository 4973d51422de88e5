"""Foreign text in documents: nothing invisible, nothing that moves other text, nothing lost."""

import sys
import unicodedata

import pytest

from domain.safe_text import safe_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x9b", "\\x1b[2J\\x9b"),
        ("a\tb\r\nc\x00\x7f", "a\\x09b\\x0d\\x0ac\\x00\\x7f"),
        ("\u202e\u2066\u200f", "\\u202e\\u2066\\u200f"),
        ("\u200b\ufeff\u00ad\u2060", "\\u200b\\ufeff\\xad\\u2060"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
    ],
)
def test_unsafe_characters_are_written_out(text, shown):
    """Each is replaced by its escape, in place."""
    assert safe_text(text) == shown


@pytest.mark.parametrize("text", ["", "Zürich 東京 עברית", "<b>&amp;", "₤ 1 000", "🙂"])
def test_readable_text_passes_unchanged(text):
    """Letters of any script, and markup, which is the format's own business."""
    assert safe_text(text) == text


def test_no_control_format_or_separator_character_of_unicode_passes():
    """The fixed set covers those categories of this Python's Unicode, visible signs aside."""
    visible = set(range(0x600, 0x606)) | {0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    hieroglyph_layout = set(range(0x13430, 0x13440))
    passed = {
        point
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and safe_text(chr(point)) == chr(point)
    }
    assert passed <= visible | hieroglyph_layout
