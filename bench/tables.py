#!/usr/bin/env python3
"""Tables in which nobody stands alone: `kura deid table` on the Adult census and on a million rows.

    python3 bench/tables.py KURA ADULT WORK [ROWS]

ADULT is the folder with adult.csv and its hierarchies. The million rows are drawn from Adult's: a
row of it, of which each value is drawn anew from its column with a chance of 0.3, so that
combinations come that the census does not have. Seconds and peak memory are the whole program's,
reading and writing included; the middle one of three.
"""

import json
import os
import pathlib
import random
import resource
import subprocess
import sys

NAMES = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation", "salary-class"]


def plan(adult, work):
    out = 'separator = ";"\n'
    for name in NAMES:
        out += f'[[column]]\nname = "{name}"\nrole = "quasi"\n'
        out += f'hierarchy = {{ file = "{adult}/adult_hierarchy_{name}.csv" }}\n'
    out += "[goal]\nk = 5\nsuppression = 0.05\n"
    file = work / "plan.toml"
    file.write_text(out)
    return file


def grow(adult, file, count):
    lines = (adult / "adult.csv").read_text().splitlines()
    rows = [line.split(";") for line in lines[1:]]
    columns = list(zip(*rows))
    chance = random.Random(20261123)
    with open(file, "w") as out:
        out.write(lines[0] + "\n")
        for _ in range(count):
            row = list(chance.choice(rows))
            for at in range(len(row)):
                if chance.random() < 0.3:
                    row[at] = chance.choice(columns[at])
            out.write(";".join(row) + "\n")


def run(kura, plan, table, out):
    """Seconds and peak MB of one run, and what it says."""
    if out.exists():
        out.unlink()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        done = subprocess.run([kura, "deid", "table", plan, table, "--out", out, "--format", "json"], capture_output=True)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.write(write, json.dumps([usage.ru_maxrss / 1024, done.returncode, done.stdout.decode()]).encode())
        os._exit(0)
    os.close(write)
    text = b""
    while piece := os.read(read, 65536):
        text += piece
    os.waitpid(child, 0)
    peak, code, said = json.loads(text)
    assert code == 0, said
    return peak, json.loads(said)


def main():
    kura, adult, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3])
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 1_000_000
    work.mkdir(parents=True, exist_ok=True)
    file = plan(adult, work)
    large = work / f"adult-{count}.csv"
    if not large.exists():
        grow(adult, large, count)
    for table in [adult / "adult.csv", large]:
        runs = sorted((run(kura, file, table, work / "out.csv") for _ in range(3)), key=lambda one: one[1]["seconds"])
        peak, said = runs[1]
        print(
            f"{table.name}: {said['rows']:,} rows, {said['seconds']:.2f} s, {peak:.0f} MB, loss {said['loss']:.4f}, "
            f"{said['rows_kept_back']:,} kept back, {said['after']['classes']:,} classes, proved {said['proved']}, "
            f"{said['looked_at']:,} choices looked at, levels {said['levels'][0]}"
        )


main()
