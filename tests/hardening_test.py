#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the linker and the compiler were asked for is in the program: read from its ELF file, not from a flag.

usage: hardening_test.py PROGRAM COMPILER [COMPILE_COMMANDS]

  pie          loaded where the kernel likes         relro      the tables the linker fills are read-only, all of them
  now          filled before main                    stack      not executable          segments  none writable and executable
  rpath        no library path of its own            textrel    code is not changed     needed    only libraries of the list
  protector    functions with arrays have a canary   fortify    checked copies of libc  commands  no file leaves one flag out

Before it believes that nothing is wrong it builds small programs with each protection taken away, and must see each.
"""
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

# What the node needs from outside; another library is a decision, not an accident.
NEEDED = re.compile(r"lib(boost_json|boost_container|boost_system|fmt|spdlog|tbb|lmdb|sodium|uring|crypto|jemalloc|stdc\+\+|gcc_s|m|c)"
                    r"\.so|ld-linux-x86-64\.so")
PT_LOAD, PT_DYNAMIC, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 0x6474E551, 0x6474E552
DT_NEEDED, DT_PLTGOT, DT_STRTAB, DT_SYMTAB, DT_RPATH, DT_TEXTREL = 1, 3, 5, 6, 15, 22
DT_BIND_NOW, DT_RUNPATH, DT_FLAGS, DT_GNU_HASH, DT_FLAGS_1 = 24, 29, 30, 0x6FFFFEF5, 0x6FFFFFFB
EXECUTE, WRITE = 1, 2
REQUIRED = ("-fstack-protector-strong", "-fstack-clash-protection", "_FORTIFY_SOURCE=3", "-fPI")
FORBIDDEN = ("-fno-stack-protector", "-U_FORTIFY_SOURCE", "-z execstack", "-no-pie")


class Elf:
    def __init__(self, path):
        self.data = pathlib.Path(path).read_bytes()
        if self.data[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"hardening_test: {path} is not a little-endian 64-bit ELF file")
        self.type, = struct.unpack_from("<H", self.data, 16)
        start, = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        self.segments = []  # type, flags, offset, address, bytes in the file, bytes in memory
        for i in range(count):
            kind, flags, offset, address, _, filed, memory, _ = struct.unpack_from("<IIQQQQQQ", self.data, start + i * size)
            self.segments.append((kind, flags, offset, address, filed, memory))
        self.dynamic = []
        for _, _, offset, _, filed, _ in self.of(PT_DYNAMIC):
            self.dynamic += [entry for entry in struct.iter_unpack("<QQ", self.data[offset:offset + filed]) if entry[0]]

    def of(self, kind):
        return [segment for segment in self.segments if segment[0] == kind]

    def values(self, tag):
        return [value for key, value in self.dynamic if key == tag]

    def at(self, address):
        for _, _, offset, start, filed, _ in self.of(PT_LOAD):
            if start <= address < start + filed:
                return address - start + offset
        raise ValueError(f"address {address:#x} is not in the file")

    def text(self, offset):
        place = self.at(self.values(DT_STRTAB)[0]) + offset
        return self.data[place:self.data.index(b"\0", place)].decode()

    def imports(self):
        """Names of dynamic symbols; the string table follows the symbols in every linker used here."""
        names, place = set(), self.at(self.values(DT_SYMTAB)[0])
        last = min((self.at(v) for v in self.values(DT_STRTAB) + self.values(DT_GNU_HASH)
                    if self.at(v) > place), default=place)
        last = min([last] + [self.at(v) for key, v in self.dynamic if key in (0x6FFFFFF0, 4) and self.at(v) > place])
        while place + 24 <= last:
            name, _, _, section = struct.unpack_from("<IBBH", self.data, place)
            if section == 0 and name:
                names.add(self.text(name))
            place += 24
        return names


def breaches(path, needed=NEEDED):
    elf, found = Elf(path), {}
    flags, flags1 = sum(elf.values(DT_FLAGS)), sum(elf.values(DT_FLAGS_1))
    if elf.type != 3 or not flags1 & 0x08000000:
        found["pie"] = "it is not position-independent"
    if not elf.values(DT_BIND_NOW) and not flags & 8 and not flags1 & 1:
        found["now"] = "symbols are bound lazily"
    relro = elf.of(PT_GNU_RELRO)
    tables = elf.values(DT_PLTGOT) + [segment[3] for segment in elf.of(PT_DYNAMIC)]
    if not all(any(start <= table < start + memory for _, _, _, start, _, memory in relro) for table in tables):
        found["relro"] = "tables of the linker stay writable"
    stack = elf.of(PT_GNU_STACK)
    if not stack or any(segment[1] & EXECUTE for segment in stack):
        found["stack"] = "the stack is executable"
    if any(segment[1] & EXECUTE and segment[1] & WRITE for segment in elf.of(PT_LOAD)):
        found["segments"] = "a segment is writable and executable"
    if elf.values(DT_RPATH) or elf.values(DT_RUNPATH):
        found["rpath"] = "it brings a library path of its own"
    if elf.values(DT_TEXTREL) or flags & 4:
        found["textrel"] = "the loader writes into its code"
    strangers = [name for name in map(elf.text, elf.values(DT_NEEDED)) if not needed.match(name)]
    if strangers:
        found["needed"] = f"libraries that are not on the list: {strangers}"
    imports = elf.imports()
    if "__stack_chk_fail" not in imports:
        found["protector"] = "no function has a canary"
    if not any(re.fullmatch(r"__\w+_chk", name) for name in imports - {"__stack_chk_fail"}):
        found["fortify"] = "no copy of libc's is checked"
    return found


def uncovered(commands):
    """Files of the project compiled without a flag. The memory sanitizer's program brings its own checks."""
    found = []
    for entry in json.loads(pathlib.Path(commands).read_text()):
        command = entry.get("command", "")
        if "-fsanitize=" in command:
            continue
        missing = [flag for flag in REQUIRED if flag not in command]
        broken = [flag for flag in FORBIDDEN if flag in command]
        if missing or broken:
            found.append(f"commands: {entry['file']}: missing {missing}, taken back by {broken}")
    return found


SOURCE = """#include <cstdio>
#include <cstring>
#include <unistd.h>
int main(int count, char** texts)
{
    char name[64];
    std::strcpy(name, texts[count - 1]);
    return std::printf("%s", name);
}
"""
MORE = {  # what no flag takes away
    "textrel": '__asm__(".text\\n.globl place\\nplace: .quad main\\n");\n',
    "segments": '__asm__(".section .both,\\"awx\\"\\n.quad 1\\n.text\\n");\n',
}
GOOD = ["-O2", "-fPIE", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-pie", "-Wl,-z,relro,-z,now,-z,noexecstack"]
PLANTED = {  # what is taken away: the flags that do it, after the good ones
    "pie": ["-fno-PIE", "-no-pie"],
    "now": ["-Wl,-z,lazy"],
    "relro": ["-Wl,-z,norelro"],
    "stack": ["-Wl,-z,execstack"],
    "segments": [],
    "rpath": ["-Wl,-rpath,/tmp"],
    "textrel": ["-Wl,-z,notext"],
    "needed": ["-Wl,--no-as-needed", "-lresolv"],
    "protector": ["-fno-stack-protector"],
    "fortify": ["-U_FORTIFY_SOURCE"],
}


def build(compiler, folder, name, flags):
    source, program = folder / f"{name}.cpp", folder / name
    source.write_text(SOURCE + MORE.get(name, ""), encoding="utf-8")
    linker = ["-fuse-ld=lld-22"] if "clang" in compiler else []
    made = subprocess.run([compiler, *linker, source, "-o", program, *GOOD, *flags], capture_output=True, text=True)
    return program if made.returncode == 0 else sys.exit(f"hardening_test: {name} cannot be planted: {made.stderr}")


def planted_are_seen(compiler):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if found := breaches(build(compiler, folder, "good", [])):
            sys.exit(f"hardening_test: a program with everything is called bad: {found}")
        for breach, flags in PLANTED.items():
            if breach not in breaches(build(compiler, folder, breach, flags)):
                sys.exit(f"hardening_test: a program without `{breach}` is called good")
        listing = folder / "commands.json"
        for flag in REQUIRED:
            listing.write_text(json.dumps([{"file": "a", "command": " ".join(f for f in REQUIRED if f != flag)}]))
            if not uncovered(listing):
                sys.exit(f"hardening_test: a file compiled without {flag} was not seen")


program, compiler = sys.argv[1:3]
planted_are_seen(compiler)
found = [f"{name}: {text}" for name, text in breaches(program).items()]
found += uncovered(sys.argv[3]) if len(sys.argv) > 3 else []
print("\n".join(found) or f"{program} is hardened, and {len(PLANTED) + len(REQUIRED)} planted weaknesses were seen")
sys.exit(bool(found))
