"""Converts a MeshNet in TensorFlow.js weights (neuroneural/brainchop, MIT) to ONNX.

    python xtask/meshnet_onnx.py model5_gw_ae OUT.onnx

The network takes a head MR, T1 weighted, 1 mm, as float [1, 1, slices, rows, columns] from 0 to 1 and
gives a score for each class and voxel. In the original the axes of a volume run columns, rows, slices;
here they run the other way, as pixels lie in a DICOM series, and the kernels are turned accordingly.
"""

import json
import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
model = json.loads((source / "model.json").read_text())
weights, at = {}, 0
[manifest] = model["weightsManifest"]
data = b"".join((source / path).read_bytes() for path in manifest["paths"])
for entry in manifest["weights"]:
    count = int(numpy.prod(entry["shape"]))
    weights[entry["name"]] = numpy.frombuffer(data, "<f4", count, at).reshape(entry["shape"])
    at += 4 * count
assert at == len(data), "the weights do not fill their file"

nodes, constants, last = [], [], "volume"
for layer in model["modelTopology"]["model_config"]["config"]["layers"]:
    config = layer["config"]
    name = config["name"]
    if layer["class_name"] == "InputLayer":
        continue
    if layer["class_name"] == "Conv3D":
        # [columns, rows, slices, in, out] to [out, in, slices, rows, columns].
        kernel = weights[f"{name}/kernel"].transpose(4, 3, 2, 1, 0)
        constants.append(numpy_helper.from_array(numpy.ascontiguousarray(kernel), f"{name}/kernel"))
        constants.append(numpy_helper.from_array(weights[f"{name}/bias"], f"{name}/bias"))
        assert config["padding"] == "same" and config["strides"] == [1, 1, 1]
        dilations = config["dilation_rate"]
        pads = [d * (k - 1) // 2 for d, k in zip(dilations, kernel.shape[2:])]
        nodes.append(
            helper.make_node(
                "Conv",
                [last, f"{name}/kernel", f"{name}/bias"],
                [f"{name}/out"],
                dilations=dilations,
                pads=pads + pads,
            )
        )
    elif layer["class_name"] == "Activation" and config["activation"] == "relu":
        nodes.append(helper.make_node("Relu", [last], [f"{name}/out"]))
    else:
        sys.exit(f"{name}: a layer of class {layer['class_name']} is not known")
    last = f"{name}/out"
nodes[-1].output[0] = "scores"
classes = constants[-1].dims[0]
sides = ["slices", "rows", "columns"]
graph = helper.make_graph(
    nodes,
    "meshnet",
    [helper.make_tensor_value_info("volume", TensorProto.FLOAT, [1, 1, *sides])],
    [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, classes, *sides])],
    constants,
)
made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(made)
out.write_bytes(made.SerializeToString())
