"""Every Python block of the documentation runs, in order, one namespace a page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("[!_]*.md"))]
PAGES += sorted((ROOT / "docs").glob("[!_]*/**/*.md"))  # what a build left behind is not ours to check
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def python_blocks(text: str) -> list[str]:
    return BLOCK.findall(text)


def missing_files(text: str) -> list[str]:
    """What the commands of a page name of the bundles, from the root of the checkout, and is not there."""
    commands = "".join(COMMANDS.findall(text))
    bundle = re.search(r"^BUNDLE=\$\(lungdet bundle (\w+)\)$", commands, re.MULTILINE)
    told = commands.replace("$BUNDLE", f"bundles/{bundle[1]}") if bundle else commands
    named = re.findall(r"'([^'\s]+\.yaml)'", told)
    return [name for name in named if not name.startswith("runs/") and not (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if python_blocks(page.read_text())], ids=lambda page: str(page.relative_to(ROOT))
)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page.stem}
    for number, block in enumerate(python_blocks(page.read_text()), start=1):
        exec(compile(block, f"{page.name}, block {number}", "exec"), namespace)  # noqa: S102


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_local_links_lead_somewhere(page: Path):
    prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_synthetic_folder_is_written_twice(page: Path):
    """The second writing is refused: whoever follows the page would be stuck."""
    text = page.read_text()
    names = re.findall(r"lungdet phantom (\w[\w/]*)", text) + re.findall(r"write_deeplesion\(\s*\"([^\"]+)\"", text)
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run_from_one_folder(page: Path):
    """What one command writes is where the next one looks, and the settings are there."""
    text = page.read_text()
    assert not re.search(r"^cd ", "".join(COMMANDS.findall(text)), re.MULTILINE)
    assert not missing_files(text)


def test_the_check_finds_files_that_are_missing():
    lines = ["```bash", "BUNDLE=$(lungdet bundle scan_risk)", "run ['$BUNDLE/configs/train.yaml','configs/train.yaml']"]
    assert missing_files("\n".join([*lines, "```\n"])) == ["configs/train.yaml"]


def test_the_check_finds_blocks():
    assert python_blocks("text\n```python\na = 1\n```\n```bash\nls\n```\n") == ["a = 1\n"]
