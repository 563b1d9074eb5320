"""The same network on other runtimes, each on one thread and held against ours before it is timed.

They are given their input ready made, (1, 3, s, s) float32, where ours starts from uint8 pictures.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.needs import need
from tests.bench.network import (
    CAM_LAYER,
    Clipped,
    Convolution,
    Layer,
    Leaky,
    Pooling,
    Residual,
    Scaled,
)

ONNX_OPSET = 17

Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(1, 3, s, s) float32 in 0..255 to logits (1, n)."""


def as_input(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A prepared picture (s, s, 3) as the rivals take it, (1, 3, s, s) float32."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)


# ---- ONNX -----------------------------------------------------------------------------------


def write_onnx(layers: list[Layer], size_px: int, path: Path) -> None:
    """Write the network as a float ONNX file."""
    onnx = need("onnx")
    helper, nodes, weights = onnx.helper, [], []

    def add(kind: str, incoming: list[str], name: str, given: dict[str, Any], **attributes: Any):
        weights.extend(onnx.numpy_helper.from_array(a, called) for called, a in given.items())
        nodes.append(helper.make_node(kind, [*incoming, *given], [name], **attributes))

    last = _write_nodes(layers, "picture", add)
    nodes.append(helper.make_node("Flatten", [last], ["logits"], axis=1))
    labels = next(la.bias.size for la in reversed(layers) if isinstance(la, Convolution))
    number = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "bricksight",
        [helper.make_tensor_value_info("picture", number, [1, 3, size_px, size_px])],
        [helper.make_tensor_value_info("logits", number, [1, labels])],
        weights,
    )
    opset = [helper.make_opsetid("", ONNX_OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _write_nodes(layers: Sequence[Layer], last: str, add: Callable[..., None]) -> str:
    """Add nodes for each layer behind the one called `last`; the name of the last node."""
    for layer in layers:
        match layer:
            case Residual(name, inside):
                add("Add", [_write_nodes(inside, last, add), last], name, {})
            case Scaled(name, middle, scale):
                add("Sub", [last], f"{name}_less", {f"{name}.middle": np.array(middle, np.float32)})
                add("Div", [f"{name}_less"], name, {f"{name}.scale": np.array(scale, np.float32)})
            case _:
                given, kind, attributes = _onnx_node(layer)
                add(kind, [last], layer.name, given, **attributes)
        last = layer.name
    return last


def _onnx_node(layer: Layer) -> tuple[dict[str, Any], str, dict[str, Any]]:
    match layer:
        case Convolution(name, kernel, bias, stride, pads, groups):
            weights = {f"{name}.kernel": kernel, f"{name}.bias": bias}
            shape = {"kernel_shape": list(kernel.shape[2:]), "group": groups}
            return weights, "Conv", {**shape, "strides": [stride] * 2, "pads": list(pads)}
        case Pooling(_, side, stride):
            return {}, "MaxPool", {"kernel_shape": [side] * 2, "strides": [stride] * 2}
        case Leaky(_, slope):
            return {}, "LeakyRelu", {"alpha": slope}
        case Clipped(name):
            return (
                {f"{name}.low": np.array(0, np.float32), f"{name}.high": np.array(6, np.float32)},
                "Clip",
                {},
            )
        case _:
            raise ValueError(f"found {layer}; expected a layer of one ONNX node")


def write_int8_onnx(floating: Path, pictures: NDArray[np.uint8], path: Path) -> None:
    """Quantise an ONNX file with ONNX Runtime's own tool: static, QDQ, per channel."""
    need("onnx")
    quantization = need("onnxruntime.quantization")
    waiting = iter([{"picture": as_input(picture)} for picture in pictures])

    class Representative(quantization.CalibrationDataReader):
        def get_next(self):
            return next(waiting, None)

    quantization.quantize_static(
        str(floating),
        str(path),
        Representative(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        # Unsigned activations are what its kernels for x86 with VNNI want.
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )


def onnx_runtime(path: Path) -> Forward:
    """The file on ONNX Runtime."""
    runtime = need("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda picture: session.run(None, {"picture": picture})[0]


def opencv_dnn(path: Path) -> Forward:
    """The file on OpenCV's own runtime."""
    import cv2

    cv2.setNumThreads(1)
    net = cv2.dnn.readNetFromONNX(str(path))

    def forward(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        net.setInput(picture)
        return net.forward()

    return forward


# ---- PyTorch --------------------------------------------------------------------------------


def torch_module(layers: list[Layer]) -> Any:
    """The network as a torch module from (b, 3, s, s) to logits (b, n); on one thread."""
    torch = need("torch")
    torch.set_num_threads(1)
    parts = _torch_sequence(torch, layers)
    parts.add_module("logits", torch.nn.Flatten())
    return parts.eval()


def _torch_sequence(torch: ModuleType, layers: Sequence[Layer]) -> Any:
    parts: OrderedDict[str, Any] = OrderedDict()
    for layer in layers:
        parts |= _torch_parts(torch, layer)
    return torch.nn.Sequential(parts)


def _torch_parts(torch: ModuleType, layer: Layer) -> dict[str, Any]:
    match layer:
        case Pooling(name, side, stride):
            return {name: torch.nn.MaxPool2d(side, stride)}
        case Leaky(name, slope):
            return {name: torch.nn.LeakyReLU(slope)}
        case Clipped(name):
            return {name: torch.nn.ReLU6()}
        case Scaled(name, middle, scale):
            return {name: _module(torch, lambda x: (x - middle) / scale)}
        case Residual(name, layers):
            inside = _torch_sequence(torch, layers)
            return {name: _module(torch, lambda x: x + inside(x))}
        case Convolution(name, kernel, bias, stride, (top, left, bottom, right), groups):
            outputs, inputs, height, width = kernel.shape
            even = top == left == bottom == right
            part = torch.nn.Conv2d(
                inputs * groups,
                outputs,
                (height, width),
                stride,
                padding=top if even else 0,
                groups=groups,
            )
            part.weight.data = torch.from_numpy(kernel.copy())
            part.bias.data = torch.from_numpy(bias.copy())
            if even:
                return {name: part}
            # Convolutions of torch pad both sides alike.
            return {f"{name}_pad": torch.nn.ZeroPad2d((left, right, top, bottom)), name: part}


def _module(torch: ModuleType, function: Callable[[Any], Any]) -> Any:
    """A function as a torch module."""

    class Module(torch.nn.Module):
        def forward(self, x):
            return function(x)

    return Module()


def torch_forward(module: Any) -> Forward:
    """The module as a plain function."""
    torch = need("torch")

    def forward(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return module(torch.from_numpy(picture)).numpy()

    return forward


class PytorchGradCam:
    """pytorch-grad-cam on the module, used as its documentation does.

    Args:
        module: From `torch_module`.
    """

    def __init__(self, module: Any) -> None:
        self._torch = need("torch")
        _stand_in_for_torchvision()
        library = need("pytorch_grad_cam")
        targets = need("pytorch_grad_cam.utils.model_targets")
        self._target = targets.ClassifierOutputTarget
        self._scale = need("pytorch_grad_cam.utils.image").scale_cam_image
        self._cam = library.GradCAM(module, [module.get_submodule(CAM_LAYER)])

    def prepared(self, picture: NDArray[np.float32], wanted) -> Callable[[], NDArray[np.float32]]:
        """A call that gives maps (k, s, s) of the wanted labels of (1, 3, s, s), each in 0..1."""
        batch = self._torch.from_numpy(picture).repeat(len(wanted), 1, 1, 1)
        targets = [self._target(int(index)) for index in wanted]
        return lambda: self._cam(input_tensor=batch, targets=targets)

    def scaled(self, maps: NDArray[np.float32], size_px: int) -> NDArray[np.float32]:
        """Maps (k, h, w) brought to the picture's size and 0..1 as the library brings its own."""
        return self._scale(maps, (size_px, size_px))


def _stand_in_for_torchvision() -> None:
    # pytorch-grad-cam imports it for picture helpers that nothing here calls, and one that was
    # not built for exactly this torch fails on import.
    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
    for name in names:
        module = ModuleType(name)
        for helper in ("Compose", "Normalize", "ToTensor", "resize"):
            setattr(module, helper, None)
        sys.modules.setdefault(name, module)
