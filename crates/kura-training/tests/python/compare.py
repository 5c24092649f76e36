"""compare.py MODEL INPUT EXPECTED DIM [DIM ...]: the largest difference of onnxruntime from
`Model::predict`, then the model's metadata as JSON. INPUT and EXPECTED are little-endian float32;
the DIMs are the input's shape without the number of rows."""

import json
import sys

import numpy as np
import onnxruntime

model, inputs, expected, *shape = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
rows = np.fromfile(inputs, dtype="<f4").reshape(-1, *map(int, shape))
expected = np.fromfile(expected, dtype="<f4")
(given,) = session.get_inputs()
(result,) = session.get_outputs()
assert result.name == "probability", result.name
(found,) = session.run(["probability"], {given.name: rows})
assert found.shape == (len(expected), 1) and found.dtype == np.float32, found.shape
assert np.isfinite(found).all()
# One row alone must give the same: onnxruntime takes another path for few rows.
(alone,) = session.run(["probability"], {given.name: rows[:1]})
difference = max(np.abs(found[:, 0] - expected).max(), abs(alone[0, 0] - expected[0]))
print(given.name, float(difference), len(expected), float(expected.min()), float(expected.max()))
print(json.dumps(session.get_modelmeta().custom_metadata_map))
