"""A small corpus of every planted kind: all found, nothing else, in whatever order files come."""

from pathlib import Path

import pytest

from domain.buckets import KINDS
from tests.conftest import Cli
from tests.corpus.playing import build, play


def test_every_planted_break_is_found_and_no_other(cli: Cli, tmp_path: Path) -> None:
    """Both providers and the bank; every kind of break there is, planted at least once."""
    corpus = build(1, payments=150, each=2)
    played = play(cli, corpus, tmp_path)

    assert played.missed == {}
    assert played.surplus == {}
    assert played.matched == corpus.clean
    assert played.untied == ()
    assert {kind for _, kind, _ in corpus.answers} == {kind.value for kind in KINDS}


@pytest.mark.parametrize(("parts", "shuffle"), [(1, 5), (3, 6)])
def test_the_order_of_rows_and_files_means_nothing(
    sqlite_cli: Cli, home: Path, tmp_path: Path, parts: int, shuffle: int
) -> None:
    """Other row order, split files, files the other way round: the same breaks and buckets."""
    corpus = build(2, payments=60, each=1)
    first = play(sqlite_cli, corpus, tmp_path)
    for file in (home / "home" / "data").rglob("tscli.db*"):
        file.unlink()
    again = play(sqlite_cli, corpus, tmp_path, parts=parts, shuffle=shuffle)

    assert again.breaks == first.breaks
    assert again.buckets == first.buckets
