#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the tables of docs/ promise is there: every test, scenario and fuzz target that they name.

usage: docs_test.py SOURCE_DIR        exit 1 and one line per name that nothing bears
"""
import pathlib
import re
import sys

TABLES = ("docs/keys.md", "docs/regressions.md", "docs/process_faults.md")


def names_in(text):
    """Everything between backquotes that has the form of a test's name, and `cluster X`; `fuzz X` in plain words."""
    quoted = re.findall(r"`([^`]+)`", text)
    found = {name for name in quoted if re.fullmatch(r"[A-Z]\w+\.(\w+|\*)", name)}
    found |= {name for name in quoted if re.fullmatch(r"cluster \w+", name)}
    return found | set(re.findall(r"\bfuzz [a-z_0-9]+(?= *[|,])", text))


def unborne(names, tests, scenarios, targets):
    def there(name):
        if " " in name:
            kind, which = name.split(" ", 1)
            return which in (scenarios if kind == "cluster" else targets)
        suite, test = name.split(".", 1)
        return any(s == suite and (test in ("*", t)) for s, t in tests)
    return sorted(name for name in names if not there(name))


root = pathlib.Path(sys.argv[1])
tests = {pair for file in (root / "tests").rglob("*.cpp")
         for pair in re.findall(r"^TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)", file.read_text(encoding="utf-8"), re.M)}
scenarios = {name for file in (root / "tests/cluster").glob("*.py")
             for name in re.findall(r"^def (\w+)\(make[,)]", file.read_text(encoding="utf-8"), re.M)}
targets = {file.name.removesuffix("_fuzz.cpp") for file in (root / "tests/fuzz").glob("*_fuzz.cpp")}
planted = {"Nobody.wrote_this", "cluster nowhere", "fuzz nothing"}
if unborne(planted, tests, scenarios, targets) != sorted(planted) or not names_in("`Keypair.x` fuzz replay |"):
    sys.exit("docs_test: a name that nothing bears is not seen")
missing = []
for table in TABLES:
    text = (root / table).read_text(encoding="utf-8")
    names = names_in(text)
    if len(names) < 10:
        missing.append(f"{table}: only {len(names)} names are found")
    missing += [f"{table}: {name} does not exist" for name in unborne(names, tests, scenarios, targets)]
rows = [int(row) for row in re.findall(r"^\| (\d+) \|", (root / "docs/regressions.md").read_text(), re.M)]
if rows != list(range(1, 26)):
    missing.append(f"docs/regressions.md: its rows are {rows}")
print("\n".join(missing) or "every name of the tables is borne")
sys.exit(bool(missing))
