"""Every Python example of docs/how-to/simulated-provider.md runs; every flag and fault kind is on the page."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import nightdrop
import nightdrop.testing
from nightdrop.testing.command import parser
from nightdrop.testing.extra import missing_extra
from nightdrop.testing.faults import FaultKind

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "simulated-provider.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_examples_run(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = EXAMPLES[number]
    for name in ("openai", "pydantic_ai"):
        if re.search(rf"^(from|import) {name}\b", code, flags=re.MULTILINE) and not importlib.util.find_spec(name):
            pytest.skip(f"{name} is not installed")
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    space: dict[str, object] = {"__name__": "example"}
    exec(compile(code, f"{PAGE.name}:{number}", "exec"), space)
    for name, test in list(space.items()):
        if name.startswith("test_") and callable(test):
            test(monkeypatch)


def test_every_flag_fault_and_name_is_on_the_page() -> None:
    flags = [flag for action in parser()._actions for flag in action.option_strings if flag.startswith("--")]
    expected = [*flags, *(f"`{kind.value}`" for kind in FaultKind), *nightdrop.testing.__all__]
    assert [word for word in expected if word != "--help" and word not in TEXT] == []


def test_all_names_are_importable() -> None:
    for name in nightdrop.testing.__all__:
        assert getattr(nightdrop.testing, name).__name__ == name
    assert dir(nightdrop.testing) == nightdrop.testing.__all__
    with pytest.raises(AttributeError):
        _ = nightdrop.testing.nonsense


def test_a_missing_extra_says_its_name() -> None:
    error = missing_extra(ModuleNotFoundError("No module named 'httptools'", name="httptools"))
    assert str(error) == "extra_missing: nightdrop.testing needs httptools: pip install 'nightdrop[testing]'"
