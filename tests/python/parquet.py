"""Reads Parquet tables on one thread.

Arrow's own pools sometimes abort the interpreter as it ends, after all the work was done
(https://github.com/apache/arrow/issues/34314): a check must not fail by that.
"""

import pyarrow.parquet


def table(path):
    return pyarrow.parquet.read_table(path, use_threads=False, pre_buffer=False)


def frame(path):
    return table(path).to_pandas(use_threads=False)
