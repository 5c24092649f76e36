"""Two projects' sets share no value by which a patient or a record could be joined."""

import pathlib
import sys

import parquet

first, second = map(pathlib.Path, sys.argv[1:3])
checked = 0
for file in sorted(first.glob("*.parquet")):
    one, two = parquet.frame(file), parquet.frame(second / file.name)
    # A date that moves onto the patient's own birth date looks like it, and the record stays
    # inside: in one project by chance, not in the other.
    assert abs(len(one) - len(two)) <= 3, (file.name, len(one), len(two))
    for column in one.columns:
        values = set(one[column].dropna().astype(str))
        if values and all(len(value) == 32 for value in values) or column.endswith("uid"):
            checked += 1
            assert not values & set(two[column].dropna().astype(str)), (file.name, column)
# Dates of one patient move differently in the two projects, so they give no join either.
assert checked > 15, checked
one, two = (parquet.frame(folder / "encounter.parquet") for folder in (first, second))
shared = set(one.start.dropna()) & set(two.start.dropna())
assert len(shared) < len(one) * 0.05, (len(shared), len(one))
print("ok", checked, "columns")
