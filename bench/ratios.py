#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the kernels beside their peers and prints how many times faster each is, from one run.

usage: ratios.py BINARY [--repetitions N] [--json FILE] [options of Google Benchmark ...]

Repetitions of all benchmarks are interleaved, so that turbo and neighbours hit both sides alike. A ratio is that of
medians; its spread is the half width of the middle half of all ratios of single repetitions (interquartile range / 2).
With --json the same rows are written to FILE. BELFRY_KERNEL forces a tier.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys

# What is measured, its peer, and the ratio to reach on a core with AVX-512 ("" where none is set).
RATIOS = [
    ("ed25519_verify/belfry_single", "ed25519_verify/libsodium", 1.4),
    ("ed25519_verify/belfry_eight", "ed25519_verify/libsodium", 9),
    ("ed25519_verify/belfry_batch/64", "ed25519_verify/libsodium", 14),
    ("ed25519_verify/belfry_batch/256", "ed25519_verify/libsodium", 20),
    ("ed25519_verify/belfry_batch/1024", "ed25519_verify/libsodium", 26),
    ("ed25519_verify/belfry_batch/4096", "ed25519_verify/libsodium", 28),
    ("ed25519_verify/belfry_batch_cached/4096", "ed25519_verify/libsodium", 34),
    ("ed25519_verify/belfry_one_bad/64", "ed25519_verify/belfry_batch/64", 1 / 2),
    ("ed25519_verify/belfry_all_bad/64", "ed25519_verify/belfry_batch/64", 1 / 3),
    ("ed25519_verify/belfry_one_bad/1024", "ed25519_verify/belfry_batch/1024", 1 / 2),
    ("ed25519_verify/belfry_all_bad/1024", "ed25519_verify/belfry_batch/1024", 1 / 3),
    ("ed25519_sign/belfry_bulk", "ed25519_sign/libsodium", 6),
    ("sha512/belfry_x8", "sha512/openssl", 4.7),
    ("poh_chain/belfry", "poh_chain/openssl", 1.35),
    ("poh_verify/belfry", "poh_verify/openssl", 6),
    ("sha256/belfry_x16", "sha256/openssl", 3),
    ("merkle64x1k/belfry", "merkle64x1k/openssl", 2.7),
    ("rs_encode/belfry/32_32", "rs_encode/isal/32_32", 11),
    ("rs_encode/belfry/64_64", "rs_encode/isal/64_64", 9),
    ("rs_encode/belfry/64_32", "rs_encode/isal/64_32", 5.5),
    ("rs_recover/belfry/32_32_32", "rs_recover/isal/32_32_32", 30),
    ("keccak256/belfry_x8", "keccak256/belfry", 6),
]


def peer_of(name):
    """The other side of a benchmark without a target: the same path with the peer in belfry's place."""
    for pattern, peer in ((r"^(rs_\w+)/belfry/", r"\1/isal/"), (r"^(ed25519_verify)/belfry_.*", r"\1/libsodium"),
                          (r"^(ed25519_sign)/belfry_.*", r"\1/libsodium")):
        if re.match(pattern, name):
            return re.sub(pattern, peer, name)
    return None


def rate(run):
    return run.get("items_per_second") or run.get("bytes_per_second")


def readable(value, run):
    unit = "B/s" if "bytes_per_second" in run else "/s"
    for prefix in ("", "k", "M", "G"):
        if value < 1000 or prefix == "G":
            return f"{value:.3g} {prefix}{unit}"
        value /= 1000
    raise AssertionError


def measure(binary, repetitions, options):
    command = [binary, "--benchmark_format=json", f"--benchmark_repetitions={repetitions}",
               "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.05", *options]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def rows_of(report):
    runs, sample = {}, {}
    for run in report["benchmarks"]:
        if run.get("run_type", "iteration") == "iteration" and not run.get("error_occurred"):
            name = run.get("run_name", run["name"])
            name = re.sub(r"/(iterations|repeats|min_time):[^/]*|/real_time$", "", name)
            runs.setdefault(name, []).append(rate(run))
            sample[name] = run
    pairs = list(RATIOS)
    known = {name for name, _, _ in pairs}
    pairs += [(name, peer_of(name), None) for name in runs if name not in known and peer_of(name) in runs]
    for name, peer, target in pairs:
        if name not in runs or peer not in runs:
            continue
        singles = [a / b for a, b in zip(runs[name], runs[peer])]
        quarters = statistics.quantiles(singles, n=4) if len(singles) > 1 else [singles[0]] * 3
        ratio = statistics.median(runs[name]) / statistics.median(runs[peer])
        yield {"name": name, "peer": peer, "ratio": ratio, "spread": (quarters[2] - quarters[0]) / 2, "target": target,
               "rate": readable(statistics.median(runs[name]), sample[name]),
               "peer_rate": readable(statistics.median(runs[peer]), sample[peer])}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--json")
    arguments, options = parser.parse_known_args()
    report = measure(arguments.binary, arguments.repetitions, options)
    rows = list(rows_of(report))
    kernels = {key[7:]: value for key, value in report["context"].items() if key.startswith("kernel_")}
    print("kernels: " + ", ".join(f"{work} {kernel}" for work, kernel in sorted(kernels.items())))
    if os.environ.get("BELFRY_KERNEL"):
        print("BELFRY_KERNEL=" + os.environ["BELFRY_KERNEL"])
    print(f"{'benchmark':<42}{'belfry':>14}{'peer':>14}{'ratio':>9}{'spread':>8}{'to reach':>10}")
    for row in rows:
        verdict = "" if row["target"] is None else f"{row['target']:g}" + (" ok" if row["ratio"] >= row["target"] else " --")
        print(f"{row['name']:<42}{row['rate']:>14}{row['peer_rate']:>14}{row['ratio']:>9.2f}{row['spread']:>8.2f}{verdict:>10}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"context": report["context"], "rows": rows}, file, indent=1)
    errors = [run["name"] + ": " + run["error_message"] for run in report["benchmarks"] if run.get("error_occurred")]
    print("\n".join(errors), end="\n" if errors else "")
    return 1 if errors else 0


sys.exit(main())
