"""The real documents of the shared corpus: exact from XML, and never surely wrong from labels."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CORPUS = ROOT.parent / "shared" / "corpus"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real documents is not at {CORPUS}")


@pytest.fixture(scope="module")
def benchmark() -> object:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import local_reader

    return local_reader


def counted(score: object, column: str) -> int:
    return sum(counter[column] for counter in score.counts.values())  # type: ignore[attr-defined]


def test_structured_invoices_are_exact(benchmark: object) -> None:
    score = benchmark.zugferd(CORPUS, strip=False)  # type: ignore[attr-defined]
    assert counted(score, "wrong") + counted(score, "missed") == 0, score.notes


def test_labels_are_never_surely_wrong(benchmark: object) -> None:
    scores = [benchmark.zugferd(CORPUS, strip=True), benchmark.invoice2data(CORPUS)]  # type: ignore[attr-defined]
    assert sum(counted(score, "wrong_sure") for score in scores) == 0, [score.notes for score in scores]
    assert sum(counted(score, "right") for score in scores) >= 240
