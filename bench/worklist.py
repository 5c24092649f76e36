"""Minutes from arrival to reading, first come first read against the ranked list.

    python3 bench/worklist.py MODEL_FOLDER

Arrivals are the cases of predictions.csv (answers to cases the model had not learnt from) in random
order, Poisson by the hour of a working day; one reader, eight hours a day. The list is ranked as
`kura_service::bedside` ranks it: probability over threshold, plus one for each day of waiting.
"""

import csv
import json
import pathlib
import random
import statistics
import sys

folder = pathlib.Path(sys.argv[1])
threshold = json.loads((folder / "model.json").read_text())["threshold"]
with open(folder / "predictions.csv") as file:
    cases = [(float(row["probability"]), row["outcome"] == "1") for row in csv.DictReader(file)]

MINUTES = 6  # to read one case, on average
DAYS = 20
LOAD = 0.95  # share of the reader's time that the arrivals need
PREVALENCE = 0.1


def arrivals(generator):
    """(minute, probability, urgent); a minute is one of a working day of 480."""
    rate = LOAD / MINUTES
    ill = [case for case in cases if case[1]]
    well = [case for case in cases if not case[1]]
    minute = 0.0
    while True:
        minute += generator.expovariate(rate)
        if minute > DAYS * 480:
            return
        probability, urgent = generator.choice(ill if generator.random() < PREVALENCE else well)
        yield minute, probability, urgent


def read(coming, key, generator):
    waiting, now, at, out = [], 0.0, 0, []
    while at < len(coming) or waiting:
        while at < len(coming) and coming[at][0] <= now:
            waiting.append(coming[at])
            at += 1
        if not waiting:
            now = coming[at][0]
            continue
        best = max(range(len(waiting)), key=lambda index: key(waiting[index], now))
        minute, _, urgent = waiting.pop(best)
        out.append((urgent, now - minute))
        now += generator.expovariate(1 / MINUTES)
    return out


def ranked(case, now):
    # Working days to days of the clock: a day of waiting is 480 minutes here.
    return case[1] / threshold + (now - case[0]) / 480


results = {"first come": ([], []), "ranked": ([], [])}
for seed in range(20):
    coming = list(arrivals(random.Random(seed)))
    for name, key in [("first come", lambda case, now: -case[0]), ("ranked", ranked)]:
        for urgent, waited in read(coming, key, random.Random(seed + 1000)):
            results[name][0 if urgent else 1].append(waited)
print(f"{'':12} {'urgent: median':>16} {'95 %':>8} {'longest':>8} {'others: median':>16} {'95 %':>8} {'longest':>8}")
for name, groups in results.items():
    cells = []
    for waited in groups:
        waited.sort()
        cells += [statistics.median(waited), waited[int(len(waited) * 0.95)], waited[-1]]
    print(f"{name:12} {cells[0]:16.0f} {cells[1]:8.0f} {cells[2]:8.0f} {cells[3]:16.0f} {cells[4]:8.0f} {cells[5]:8.0f}")
