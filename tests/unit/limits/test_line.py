"""Who is next."""

from __future__ import annotations

from nightdrop.limits.line import Line


def order(line: Line[str]) -> list[str]:
    return [line.pop() for _ in range(len(line))]


def test_a_single_run_is_not_behind_a_batch() -> None:
    line: Line[str] = Line()
    for number in range(5):
        line.join(f"nightly {number}", lane="nightly", priority=0)
    line.join("ad hoc", lane="ad hoc", priority=0)
    assert order(line)[:3] == ["nightly 0", "ad hoc", "nightly 1"]


def test_batches_take_turns_and_priority_goes_first() -> None:
    line: Line[str] = Line()
    for batch in ("a", "b"):
        for number in range(2):
            line.join(f"{batch}{number}", lane=batch, priority=0)
    line.join("urgent", lane="c", priority=-1)
    assert line.first() == "urgent"
    assert order(line) == ["urgent", "a0", "b0", "a1", "b1"]


def test_who_leaves_is_not_called() -> None:
    line: Line[str] = Line()
    line.join("one", lane="a", priority=0)
    line.join("two", lane="b", priority=0)
    line.leave("one", lane="a", priority=0)
    line.leave("one", lane="a", priority=0)
    assert len(line) == 1
    assert order(line) == ["two"]
    assert line.first() is None
