#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No AVX instruction is reachable on a baseline path, and no island's code can stand in for another's.

usage: islands_test.py CRYPTO_OBJECTS_DIR COMPILER

  baseline  objects whose name says no instruction set touch no ymm or zmm register; AVX2 islands touch no zmm
  islands   objects whose name says one define no weak symbol (or the linker could take their copy for all)
  the test  both rules are first broken by planted files, and must be seen to fail
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ISLAND = re.compile(r"_(avx2|avx512|shani|ifma)")
SPILL = "inline int wide(const int* p) { int sum = 0; for (int i = 0; i < 4096; ++i) sum += p[i]; return sum; }\n"


def tool(name):
    for candidate in (name + "-22", name):
        if subprocess.run(["sh", "-c", f"command -v {candidate}"], capture_output=True).returncode == 0:
            return candidate
    sys.exit(f"islands_test: {name} is missing; install llvm-22 or binutils")


def breaches(obj):
    found = []
    name = obj.name.split(".")[0]
    island = ISLAND.search(name)
    kind = island[1] if island else None
    if kind not in ("avx512", "ifma"):
        banned = "zmm" if kind == "avx2" else "[yz]mm"
        text = subprocess.run([tool("llvm-objdump"), "-d", "--no-show-raw-insn", obj], capture_output=True, text=True,
                              check=True).stdout
        lines = [line for line in text.splitlines() if re.search(rf"%{banned}\d", line)]
        found += [f"{name}: {len(lines)} wide instructions, first:{lines[0]}"] if lines else []
    if kind:
        listing = subprocess.run([tool("llvm-nm"), "-C", obj], capture_output=True, text=True, check=True).stdout
        found += [f"{name}: weak symbol {line[19:]}" for line in listing.splitlines()
                  if line[17:18] in "WVu" and not line[19:].startswith("DW.ref.")]
    return found


def planted_are_seen(compiler):
    with tempfile.TemporaryDirectory() as folder:
        for name, flags, text in (("baseline", "-mavx2", SPILL + "int f(const int* p) { return wide(p); }\n"),
                                  ("kernel_avx2", "-mavx512f", "#include <immintrin.h>\nvoid f(void* p, __m512i v)"
                                   " { _mm512_storeu_si512(p, _mm512_add_epi32(v, v)); }\n"),
                                  ("kernel_avx512", "-mavx512f", SPILL + "int (*g)(const int*) = wide;\n")):
            source = pathlib.Path(folder, name + ".cpp")
            source.write_text(text, encoding="utf-8")
            obj = source.with_suffix(".cpp.o")
            subprocess.run([compiler, "-O3", flags, "-c", source, "-o", obj], check=True)
            if not breaches(obj):
                sys.exit(f"islands_test: a planted breach in {name} was not seen")


objects = sorted(pathlib.Path(sys.argv[1]).rglob("*.cpp.o"))
if not objects:
    sys.exit(f"islands_test: no objects in {sys.argv[1]}")
planted_are_seen(sys.argv[2])
found = [breach for obj in objects for breach in breaches(obj)]
print("\n".join(found) or f"{len(objects)} objects keep to their instruction sets")
sys.exit(bool(found))
