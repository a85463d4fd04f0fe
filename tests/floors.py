"""The floors of the house, and what breaks them: read off a tree of sources, so that a broken one can be tried too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# From the ground up; a module may import its own floor and those below it.
CORE = (
    ("errors", "paths", "html"),
    ("terms", "progress", "files"),
    ("worlds",),
    ("agents",),
    ("models",),
    ("prompts",),
    ("patching",),
    ("readouts",),
    ("circuits",),
    ("figures",),
    ("export",),
    ("runs",),
    ("commands",),
    ("labs",),
    ("__main__",),
)
UI = (("shell",), ("parts",), ("pages",))  # every other folder of ui is a page's, or in labs a laboratory's
SHOWN_ELSEWHERE: frozenset[tuple[str, str]] = frozenset()  # (page, page whose part it shows on purpose)
LONGEST_FILE, FULLEST_FOLDER = 300, 15
DRAWS = {"plotly", "core.figures"}
PARTS = ("app.py", "pages", "ui", "core")


def sources(root: Path, *parts: str) -> list[Path]:
    """Python files of some parts of the tree, in order."""
    found = []
    for part in parts:
        path = root / part
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


def imported(path: Path) -> frozenset[str]:
    """Full names of everything a file imports, at its top or inside a function."""
    return _imported(path.read_text(encoding="utf-8"))


@cache
def _imported(source: str) -> frozenset[str]:
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
            if node.level:
                names.add("." * node.level)
    return frozenset(names)


def packages(path: Path) -> set[str]:
    """Top-level names of what a file imports."""
    return {name.split(".")[0] for name in imported(path)}


def problems(root: Path) -> list[str]:
    """Every breach of the house's rules, as one line each: where, and what."""
    checks = (climbing, neighbours, strangers, oversized)
    return [line for check in checks for line in check(root)]


def climbing(root: Path) -> Iterator[str]:
    """Imports that go up: inside core, inside ui, and from either to what stands above it."""
    for path, names in _files(root, "core"):
        here = _core_floor(path)
        for name in sorted(names):
            if name.split(".")[0] in ("ui", "pages", "app"):
                yield f"{_named(root, path)} climbs out of core to {name}"
            elif name.startswith("core.") and _core_floor(tuple(name.split("."))) > here:
                yield f"{_named(root, path)} climbs to {name}"
    for path, names in _files(root, "ui"):
        here = _ui_floor(path)
        for name in sorted(names):
            if name.split(".")[0] in ("pages", "app"):
                yield f"{_named(root, path)} climbs out of ui to {name}"
            elif name.startswith("ui.") and len(name.split(".")) > 2 and _ui_floor(tuple(name.split("."))) > here:
                yield f"{_named(root, path)} climbs to {name}"


def neighbours(root: Path) -> Iterator[str]:
    """Imports from one laboratory to another, or from one page to another."""
    for path, names in _files(root, "core"):
        for name in sorted(names):
            there = tuple(name.split("."))
            if _lab(path) and _lab(there) and _lab(path) != _lab(there):
                yield f"{_named(root, path)} reads another laboratory, {name}"
    for path, names in _files(root, "ui"):
        here = _page(path)
        for name in sorted(names):
            there = _page(tuple(name.split(".")))
            if here and there and here != there and (here, there) not in SHOWN_ELSEWHERE:
                yield f"{_named(root, path)} reads another page, {name}"


def strangers(root: Path) -> Iterator[str]:
    """Libraries where they do not belong, and relative imports."""
    for file in sources(root, *PARTS):
        path, names, found = file.relative_to(root).with_suffix("").parts, imported(file), packages(file)
        draws = "figures" in path
        banned = {
            "core": {"streamlit"} | (set() if draws else {"plotly"}),
            "ui": {"torch", "transformers", "transformer_lens", "plotly"},
            "pages": found - {"streamlit", "ui"},
            "app": found - {"streamlit", "ui"},
        }[path[0]]
        for name in sorted(found & banned):
            yield f"{_named(root, path)} imports {name}"
        if path[0] == "core" and not draws and any(name.startswith("core.figures") for name in names):
            yield f"{_named(root, path)} needs figures"
        if any(name.startswith(".") for name in names):
            yield f"{_named(root, path)} has a relative import"


def oversized(root: Path) -> Iterator[str]:
    """Files and folders in which nobody finds anything."""
    for file in sources(root, *PARTS):
        lines = len(file.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST_FILE:
            yield f"{file.relative_to(root)} has {lines} lines"
    for folder in {file.parent for file in sources(root, "ui", "core")}:
        files = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
        if len(files) > FULLEST_FOLDER:
            yield f"{folder.relative_to(root)} holds {len(files)} files"


def _files(root: Path, part: str) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    for file in sources(root, part):
        yield file.relative_to(root).with_suffix("").parts, imported(file)


def _named(root: Path, path: tuple[str, ...]) -> str:
    return "/".join(path) + ".py"


def _core_floor(path: tuple[str, ...]) -> int:
    """``('core', 'patching', 'atp')`` -> its floor; ``core`` itself is the ground."""
    if len(path) < 2 or path[1] == "__init__":
        return 0
    for floor, rooms in enumerate(CORE):
        if path[1] in rooms:
            return floor
    raise AssertionError(f"core/{path[1]} has no floor: name it in CORE")


def _ui_floor(path: tuple[str, ...]) -> int:
    return {"shell": 0, "parts": 1, "__init__": 0}.get(path[1], 2) if len(path) > 1 else 0


def _lab(path: tuple[str, ...]) -> str:
    """The laboratory that a module of core belongs to, if any; the registry is nobody's."""
    return path[2] if path[:2] == ("core", "labs") and len(path) > 3 else ""


def _page(path: tuple[str, ...]) -> str:
    """The page that a module of ui belongs to: ``trust``, ``labs.grokking``; empty: everybody's."""
    if path[0] != "ui" or len(path) < 3 or _ui_floor(path) < 2:
        return ""
    return ".".join(path[1:3]) if path[1] == "labs" else path[1]
