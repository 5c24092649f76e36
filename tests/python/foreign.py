"""Models of other makers, and what came of them.

    python foreign.py make OUT            small ONNX models, sound and unsound
    python foreign.py volumes NIFTI ONNX  voxels of each class, asked with onnxruntime alone
    python foreign.py check URL           the segmentation and report of a study, read over DICOMweb
"""

import gzip
import json
import pathlib
import sys

import numpy


def make(out):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    out = pathlib.Path(out)

    def model(name, nodes, outputs, constants, shape, opset=13):
        graph = helper.make_graph(
            nodes,
            "model",
            [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
            outputs,
            constants,
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        (out / name).mkdir(parents=True, exist_ok=True)
        (out / name / "model.onnx").write_bytes(made.SerializeToString())

    value = helper.make_tensor_value_info
    # Two scores of three channels: of the mean red, and its opposite; the label is an integer.
    weights = numpy.zeros((3, 2), numpy.float32)
    weights[0] = [-4.0, 4.0]
    model(
        "colour",
        [
            helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["mean", "weights"], ["scores"]),
            helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
        ],
        [value("label", TensorProto.INT64, [1]), value("scores", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(weights, "weights")],
        [1, 3, 32, 32],
    )
    model(
        "nan",
        [
            helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Sub", ["mean", "mean"], ["zero"]),
            helper.make_node("Div", ["zero", "zero"], ["scores"]),
        ],
        [value("scores", TensorProto.FLOAT, ["n"])],
        [],
        ["n", 3, 32, 32],
    )
    model(
        "operator",
        [helper.make_node("Divination", ["picture"], ["scores"])],
        [value("scores", TensorProto.FLOAT, ["n"])],
        [],
        ["n", 3, 32, 32],
    )
    model(
        "shape",
        [helper.make_node("ReduceMean", ["picture"], ["scores"], axes=[1, 2, 3], keepdims=0)],
        [value("scores", TensorProto.FLOAT, ["n"])],
        [],
        ["n", 1, 64, 64],
    )
    # An encoder: means of squares of four pixels, each channel by itself.
    model(
        "encoder",
        [
            helper.make_node("AveragePool", ["picture"], ["means"], kernel_shape=[4, 4], strides=[4, 4]),
            helper.make_node("Flatten", ["means"], ["embedding"], axis=1),
        ],
        [value("embedding", TensorProto.FLOAT, ["n", 147])],
        [],
        ["n", 3, 28, 28],
    )
    (out / "corrupt").mkdir()
    whole = (out / "colour" / "model.onnx").read_bytes()
    (out / "corrupt" / "model.onnx").write_bytes(whole[: len(whole) // 2])


def volumes(nifti, onnx):
    import onnxruntime

    data = gzip.open(nifti).read()
    # 256 cubed bytes after the head; columns run fastest. Darkest to brightest is 0 to 1.
    voxels = numpy.frombuffer(data, numpy.uint8, 256**3, 352).reshape(256, 256, 256).astype(numpy.float32)
    voxels = (voxels - voxels.min()) / (voxels.max() - voxels.min())
    session = onnxruntime.InferenceSession(onnx)
    [scores] = session.run(None, {"volume": voxels[None, None]})
    labels = scores[0].argmax(0)
    print(json.dumps([int((labels == each).sum()) for each in range(scores.shape[1])]))


def check(url):
    from dicomweb_client.api import DICOMwebClient

    client = DICOMwebClient(url)
    out = {}
    for study in client.search_for_studies():
        study = study["0020000D"]["Value"][0]
        for series in client.search_for_series(study_instance_uid=study):
            modality = series["00080060"]["Value"][0]
            if modality not in ("SEG", "SR"):
                continue
            [found] = client.retrieve_series(study, series["0020000E"]["Value"][0])
            out[modality] = {"patient": str(found.PatientID), "description": found.SeriesDescription}
            if modality == "SEG":
                pixels = found.pixel_array
                numbers = numpy.array(
                    [
                        frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
                        for frame in found.PerFrameFunctionalGroupsSequence
                    ]
                )
                out[modality]["voxels"] = [int(pixels[numbers == number].sum()) for number in (1, 2)]
            else:
                out[modality]["verified"] = found.VerificationFlag
                template = found.ContentTemplateSequence[0]
                out[modality]["template"] = template.TemplateIdentifier
    print(json.dumps(out, ensure_ascii=False))


{"make": make, "volumes": volumes, "check": check}[sys.argv[1]](*sys.argv[2:])
