#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzz targets of the preset fuzz; docs/fuzzing.md. usage: fuzz.py BUILD_FOLDER VERB [ARGUMENTS]

  run [SECONDS] [NAME...]       each target that long from its corpora; last line `N passed, N failed`
  nightly [MINUTES]             all that time, shared by weight; writes report.json and report.md there
  coverage [SECONDS]            lines and branches of each parser file; fails below lines_wanted
  keep NAME...                  the least of the build folder's corpus that covers all, as seeds

New inputs stay in BUILD_FOLDER/fuzz/corpus; kept seeds are in tests/fuzz/corpus.
"""
import concurrent.futures
import dataclasses
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LINES_WANTED = 95.0
KEPT_BYTES_MAX = 64 * 1024  # seeds of one target in the repository
KEPT_SEEDS_MAX = 120
LLVM = "-22"
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_init_order=1:detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


@dataclasses.dataclass
class Target:
    name: str
    weight: int
    max_len: int
    kind: str


@dataclasses.dataclass
class Outcome:
    target: Target
    good: bool
    seconds: int
    executions: int = 0
    coverage_before: int = 0
    coverage: int = 0
    features: int = 0
    corpus: int = 0
    artifacts: tuple = ()


def read_targets():
    targets = []
    for line in (HERE / "targets.txt").read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            targets.append(Target(words[0], int(words[1]), int(words[2]), words[3]))
    return targets


class Runner:
    def __init__(self, build):
        self.folder = build / "fuzz"
        self.build = build
        self.jobs = int(os.environ.get("BELFRY_JOBS", os.cpu_count() or 1))

    def targets(self, names=()):
        known = {target.name: target for target in read_targets()}
        built = {path.name[: -len("_fuzz")] for path in self.folder.glob("*_fuzz")}
        if built != set(known):
            missing, unlisted = sorted(set(known) - built), sorted(built - set(known))
            if not names:
                sys.exit(f"fuzz: not built: {missing}; not in tests/fuzz/targets.txt: {unlisted}")
        unknown = sorted(set(names) - built)
        if unknown:
            sys.exit(f"fuzz: no target {unknown}; known: {sorted(built)}")
        return [known[name] for name in sorted(names or known)]

    def work(self, target):
        folder = self.folder / "corpus" / target.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @staticmethod
    def seeds(target):
        folders = [HERE / "corpus" / target.name]
        if target.name == "scenario":
            folders.append(ROOT / "tests" / "scenarios")
        return [folder for folder in folders if folder.is_dir()]

    def execute(self, target, arguments, corpora, environment=None, log_name=None):
        command = [self.folder / f"{target.name}_fuzz", f"-max_len={target.max_len}", "-rss_limit_mb=2048",
                   "-timeout=10", "-print_final_stats=1", f"-artifact_prefix={self.folder}/{target.name}-"]
        dictionary = HERE / "dict" / f"{target.name}.dict"
        if dictionary.is_file():
            command.append(f"-dict={dictionary}")
        log = self.folder / f"{log_name or target.name}.log"
        with log.open("w") as out:
            code = subprocess.run([*map(str, command), *arguments, *map(str, corpora)], stdout=out,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
                                  env=os.environ | ENVIRONMENT | (environment or {})).returncode
        return code, log.read_text(errors="replace")

    def fuzz(self, target, seconds, more=()):
        """From all corpora for so long; what is new goes to the build folder's."""
        before = set(self.folder.glob(f"{target.name}-*-*"))
        code, text = self.execute(target, [f"-max_total_time={seconds}", *more],
                                  [self.work(target), *self.seeds(target)])

        def last(pattern):
            found = re.findall(pattern, text)
            return int(found[-1]) if found else 0

        inited = re.search(r"INITED cov: (\d+)", text)
        return Outcome(target, code == 0, seconds, last(r"stat::number_of_executed_units: *(\d+)"),
                       int(inited.group(1)) if inited else 0, last(r"cov: (\d+)"), last(r"ft: (\d+)"),
                       len(list(self.work(target).iterdir())),
                       tuple(sorted(str(path) for path in set(self.folder.glob(f"{target.name}-*-*")) - before)))

    def in_parallel(self, work, items):
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            yield from pool.map(work, items)

    def run(self, seconds, names):
        passed = failed = 0
        for outcome in self.in_parallel(lambda target: self.fuzz(target, seconds), self.targets(names)):
            name = outcome.target.name
            if outcome.good:
                passed += 1
                print(f"fuzz {name}: {outcome.executions} runs in {seconds} s", flush=True)
            else:
                failed += 1
                print(f"fuzz {name}: FAILED")
                print("\n".join((self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-40:]),
                      flush=True)
        print(f"{passed} passed, {failed} failed")
        return 0 if failed == 0 and passed else 1

    def merge(self, target):
        """The build folder's corpus becomes the least that covers what it covers beyond the seeds."""
        smaller = self.folder / "merged" / target.name
        shutil.rmtree(smaller, ignore_errors=True)
        smaller.mkdir(parents=True)
        work = self.work(target)
        code, _ = self.execute(target, ["-merge=1"], [smaller, *self.seeds(target), work],
                               log_name=f"{target.name}.merge")
        if code == 0:
            shutil.rmtree(work)
            shutil.move(smaller, work)

    def nightly(self, minutes):
        targets = self.targets()
        total = sum(target.weight for target in targets)
        share = minutes * 60 * self.jobs / total
        begun = time.time()

        def night(target):
            outcome = self.fuzz(target, max(int(share * target.weight), 1), ["-use_value_profile=1"])
            if outcome.good:
                self.merge(target)
                outcome.corpus = len(list(self.work(target).iterdir()))
            print(f"fuzz {target.name}: {outcome.executions} runs in {outcome.seconds} s, coverage "
                  f"{outcome.coverage_before} -> {outcome.coverage}{'' if outcome.good else ', FAILED'}", flush=True)
            return outcome

        # The longest first, so that all end together.
        outcomes = sorted(self.in_parallel(night, sorted(targets, key=lambda target: -target.weight)),
                          key=lambda outcome: outcome.target.name)
        self.report(outcomes, time.time() - begun)
        failed = sum(not outcome.good for outcome in outcomes)
        print(f"{len(outcomes) - failed} passed, {failed} failed")
        return 1 if failed else 0

    def report(self, outcomes, seconds):
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                                check=False).stdout.strip()
        rows = [{"target": one.target.name, "kind": one.target.kind, "seconds": one.seconds, "passed": one.good,
                 "executions": one.executions, "coverage_before": one.coverage_before, "coverage": one.coverage,
                 "features": one.features, "corpus_files": one.corpus, "artifacts": list(one.artifacts)}
                for one in outcomes]
        executions = sum(one.executions for one in outcomes)
        (self.build / "report.json").write_text(json.dumps(
            {"commit": commit, "seconds": round(seconds), "jobs": self.jobs, "executions": executions,
             "targets": rows}, indent=1) + "\n")
        lines = [f"# Fuzzing at {commit}", "",
                 f"{executions} executions in {seconds:.0f} s, {self.jobs} at a time.", "",
                 "| target | kind | s | executions | edges before | edges | inputs | crashes |",
                 "|---|---|---|---|---|---|---|---|"]
        lines += [f"| {row['target']} | {row['kind']} | {row['seconds']} | {row['executions']} | "
                  f"{row['coverage_before']} | {row['coverage']} | {row['corpus_files']} | "
                  f"{' '.join(row['artifacts']) or ('none' if row['passed'] else 'see the log')} |" for row in rows]
        (self.build / "report.md").write_text("\n".join(lines) + "\n")
        print(f"written: {self.build}/report.json report.md")

    def coverage(self, seconds):
        targets = self.targets()
        profiles = self.folder / "profiles"
        shutil.rmtree(profiles, ignore_errors=True)
        profiles.mkdir()

        def replay(target):
            profile = {"LLVM_PROFILE_FILE": f"{profiles}/{target.name}.profraw"}
            corpora = self.seeds(target)
            if seconds:
                self.fuzz(target, seconds)
                corpora.append(self.work(target))
            return target, self.execute(target, ["-runs=0"], corpora, profile, f"{target.name}.coverage")[0]

        for target, code in self.in_parallel(replay, targets):
            if code != 0:
                print(f"fuzz {target.name}: FAILED on its own corpus; see {self.folder}/{target.name}.coverage.log")
        merged = profiles / "all.profdata"
        subprocess.run([f"llvm-profdata{LLVM}", "merge", "-o", merged, *sorted(profiles.glob("*.profraw"))], check=True)
        binaries = [self.folder / f"{target.name}_fuzz" for target in targets]
        text = subprocess.run(
            [f"llvm-cov{LLVM}", "export", "-summary-only", f"-instr-profile={merged}", binaries[0],
             *[f"-object={binary}" for binary in binaries[1:]]], check=True, capture_output=True, text=True).stdout
        measured = {os.path.relpath(file["filename"], ROOT): file["summary"]
                    for file in json.loads(text)["data"][0]["files"]}
        return self.judge(measured)

    @staticmethod
    def judge(measured):
        passed = failed = 0
        print(f"{'file':44} {'lines':>12} {'':>7} {'branches':>12} {'':>7}")
        lines = (HERE / "parser_files.txt").read_text().splitlines()
        for file, *bound in [line.split() for line in lines if not line.startswith("#")]:
            wanted = float(bound[0]) if bound else LINES_WANTED
            if file not in measured:
                print(f"{file:44} NOT MEASURED: no target links it")
                failed += 1
                continue
            found, branches = measured[file]["lines"], measured[file]["branches"]
            good = found["percent"] >= wanted
            passed, failed = passed + good, failed + (not good)
            print(f"{file:44} {found['covered']:5}/{found['count']:5}  {found['percent']:6.2f}% "
                  f"{branches['covered']:5}/{branches['count']:5}  {branches['percent']:6.2f}%"
                  f"{'' if good else f'  below {wanted:.0f} %'}")
        print(f"{passed} passed, {failed} failed")
        return 1 if failed else 0

    def keep(self, names):
        for target in self.targets(names):
            smaller = self.folder / "merged" / target.name
            shutil.rmtree(smaller, ignore_errors=True)
            smaller.mkdir(parents=True)
            code, _ = self.execute(target, ["-set_cover_merge=1"], [smaller, *self.seeds(target), self.work(target)],
                                   log_name=f"{target.name}.merge")
            if code != 0:
                return code
            kept = HERE / "corpus" / target.name
            kept.mkdir(parents=True, exist_ok=True)
            there = {path.read_bytes() for folder in self.seeds(target) for path in folder.iterdir()}
            room = KEPT_BYTES_MAX - sum(path.stat().st_size for path in kept.iterdir())
            seeds = len(list(kept.iterdir()))
            by_size = sorted(smaller.iterdir(), key=lambda path: path.stat().st_size)
            # Long ones reach most, short ones what is refused at once.
            for path in itertools.chain.from_iterable(zip(reversed(by_size), by_size)):
                if (kept / path.name[:12]).exists() or path.read_bytes() in there or path.stat().st_size > room or seeds >= KEPT_SEEDS_MAX:
                    continue
                room -= path.stat().st_size
                seeds += 1
                shutil.copy(path, kept / path.name[:12])
            print(f"fuzz {target.name}: {len(list(kept.iterdir()))} seeds")
        return 0


def main(arguments):
    if len(arguments) < 2:
        sys.exit(__doc__)
    runner = Runner(pathlib.Path(arguments[0]).resolve())
    verb, rest = arguments[1], arguments[2:]
    numbers = [int(word) for word in rest if word.isdigit()]
    names = [word for word in rest if not word.isdigit()]
    if verb == "run":
        return runner.run(numbers[0] if numbers else 10, names)
    if verb == "nightly":
        return runner.nightly(numbers[0] if numbers else 8 * 60)
    if verb == "coverage":
        return runner.coverage(numbers[0] if numbers else 0)
    if verb == "keep":
        return runner.keep(names)
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
