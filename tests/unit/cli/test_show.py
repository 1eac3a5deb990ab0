"""Tables and pages for a person, on a terminal of 80 columns and without one."""

from __future__ import annotations

import pytest

from nightdrop.cli.show import print_table, printable, when

LONG = "incoming/2026/11/a folder/with a very long name of a file that someone thought of.pdf"
ID = "01a2078a-4e1b-7117-a92e-4d59729fb74a"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")


def test_without_a_terminal_no_line_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["CODE", "FILE", "REASON"], [["pdf_corrupt", LONG * 3, "x" * 300]], fold="REASON")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert LONG * 3 in lines[1]
    assert "x" * 300 in lines[1]


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_only_the_named_column_wraps_while_that_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["CODE", "REASON", "RUN"], [["file_type_unsupported", "why " * 30, "r" * 30]], fold="REASON")
    out = capsys.readouterr().out
    assert "file_type_unsupported" in out
    assert "r" * 30 in out
    assert out.count("why") == 30
    assert max(len(line) for line in out.splitlines()) <= 80


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("code", ["pdf_encrypted", "file_type_unsupported"])
def test_on_a_narrow_terminal_a_code_is_never_cut(capsys: pytest.CaptureFixture[str], code: str) -> None:
    print_table(["CODE", "FILE", "REASON", "RUN"], [[code, LONG, "a reason of some length", ID]], fold="REASON")
    header, *lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"{code} ") for line in lines)
    assert max(len(line) for line in lines) <= 80
    last = header.index("RUN")
    assert "".join(line[last:].strip() for line in lines) == ID


@pytest.mark.usefixtures("terminal")
def test_brackets_in_a_cell_are_text_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["FILE"], [["[bold]a[/bold].txt"], ["[/nothing].txt"]])
    assert capsys.readouterr().out.split() == ["FILE", "[bold]a[/bold].txt", "[/nothing].txt"]


def test_a_table_without_rows_is_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["A", "B"], [], fold="B")
    assert capsys.readouterr().out.split() == ["A", "B"]


def test_what_steers_a_terminal_is_written_as_an_escape() -> None:
    assert printable("a\x1b[2Jb\nc\td\x9be\u202ef") == r"a\x1b[2Jb\nc\td\x9be\u202ef"
    assert printable("Größe 🧾👩🏽‍💻 فاتورة") == "Größe 🧾👩🏽‍💻 فاتورة"


def test_no_time_is_an_empty_cell() -> None:
    assert when(None) == ""
