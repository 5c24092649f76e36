"""A model asked through kura-inference and through ONNX Runtime's Python binding, one after the other.

    cargo build --release -p kura-inference --example inference
    python bench/inference.py PROGRAM MODEL.onnx SHAPE TIMES      (KURA_INFERENCE__RUNTIME names the library)

The same library, one thread, the same numbers; the first run is not counted. Prints medians and 99th
percentiles in milliseconds, and their ratio.
"""

import subprocess
import sys
import time

import numpy
import onnxruntime

program, model, shape, times = sys.argv[1:5]
ours = subprocess.run([program, model, shape, times], capture_output=True, text=True, check=True).stdout.split()
sides = [int(side) for side in shape.split(",")]
count = int(numpy.prod(sides))
values = ((numpy.arange(count) % 251).astype(numpy.float32) / numpy.float32(251)).reshape(sides)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.use_deterministic_compute = True
session = onnxruntime.InferenceSession(model, options)
name = session.get_inputs()[0].name
taken = []
for _ in range(int(times) + 1):
    begun = time.perf_counter()
    answer = session.run(None, {name: values})
    taken.append((time.perf_counter() - begun) * 1e3)
taken = sorted(taken[1:])
theirs = [taken[(len(taken) - 1) * share // 100] for share in (50, 99)]
total = float(answer[0].astype(numpy.float64).sum())
assert abs(total - float(ours[2])) <= 1e-5 * max(1.0, abs(total)), (total, ours[2])
print(f"kura-inference    median {float(ours[0]):.4f} ms, 99 % {float(ours[1]):.4f} ms")
print(f"onnxruntime (py)  median {theirs[0]:.4f} ms, 99 % {theirs[1]:.4f} ms")
print(f"ratio of medians  {float(ours[0]) / theirs[0]:.2f}")
