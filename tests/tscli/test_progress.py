"""Progress of long work: a bar on a terminal, lines in a log, silence when it is over at once."""

import doctest
import io
import sys

import pytest

from tscli.render import progress


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


def work(count: int) -> None:
    """So many things in a row."""
    with progress.progress("2026-03-02 [files] stripe") as advance:
        for n in range(count):
            advance(n + 1, count)


def test_a_log_gets_lines_with_rate_and_rest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that long work is told of in plain lines, on stderr alone."""
    monkeypatch.setattr(progress, "LINE_EVERY_SECONDS", 0.0)
    work(3)
    said = capsys.readouterr()
    first, _, last = said.err.splitlines()
    assert first.startswith("2026-03-02 [files] stripe: 1 of 3, ")
    assert "/s, about " in first
    assert last.startswith("2026-03-02 [files] stripe: 3 of 3, ")
    assert "left" not in last
    assert (said.out, "\x1b" in said.err) == ("", False)


def test_short_work_says_nothing_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Proves that a quick command does not fill anybody's log."""
    work(1_000)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that the bar is drawn, that its title is no markup, and that stdout stays free."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    work(5)
    assert "2026-03-02 [files] stripe" in screen.getvalue()
    assert "5/5" in screen.getvalue()
    assert capsys.readouterr().out == ""


def test_the_rest_is_told_in_words() -> None:
    assert doctest.testmod(progress).failed == 0
