"""MTCNN's three networks, from facenet-pytorch's wheel → the ONNX files that `siamese.faces.cascade` runs.

`python -m siamese.faces.export_cascade` writes them into prototypes/detector. What they compute is unchanged; how is
not: PReLU, which ONNX Runtime leaves the convolutions' fast layout for, becomes convolutions.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from facenet_pytorch import MTCNN
from onnx import TensorProto, helper
from torch import nn

from siamese.faces.cascade import (
    BOXES,
    CELL,
    FOLDER,
    INPUT,
    JUDGED,
    NETWORKS,
    OVERLAP,
    REFINED,
    SCORES,
    SUPPRESSION,
)
from siamese.manifest import write_manifest

_OPSET, _IR_VERSION = 17, 9
_BLOCK = 16  # channels of the layout in which ONNX Runtime convolves; it leaves that to pool channels that fill none


def export_cascade(folder: Path = FOLDER) -> None:
    """Write the networks, and what keeps their boxes apart."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, network, side in zip(NETWORKS, rewired(MTCNN(device="cpu").eval()), (CELL, REFINED, JUDGED), strict=True):
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, side, side),),
            str(folder / name),
            input_names=[INPUT],
            dynamic_axes={INPUT: {0: "n", 2: "height", 3: "width"} if name == NETWORKS[0] else {0: "n"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    onnx.save(suppression(), folder / SUPPRESSION)


def suppression() -> onnx.ModelProto:
    """Non-maximum suppression: which boxes (1, n, 4) are left, by scores (1, 1, n) and overlap (1,), best first."""
    most = helper.make_tensor("most", TensorProto.INT64, [1], [np.iinfo(np.int64).max])
    node = helper.make_node("NonMaxSuppression", [BOXES, SCORES, "most", OVERLAP], ["kept"])
    inputs = [_floats(BOXES, 1, "n", 4), _floats(SCORES, 1, 1, "n"), _floats(OVERLAP, 1)]
    return _model(node, inputs, helper.make_tensor_value_info("kept", TensorProto.INT64, ["k", 3]), [most])


def _floats(name: str, *shape: str | int | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _model(
    node: onnx.NodeProto,
    inputs: list[onnx.ValueInfoProto],
    output: onnx.ValueInfoProto,
    constants: Sequence[onnx.TensorProto] = (),
) -> onnx.ModelProto:
    graph = helper.make_graph([node], node.op_type, inputs, [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)


@torch.no_grad()
def rewired(detector: MTCNN) -> tuple[nn.Module, nn.Module, nn.Module]:
    """The detector's own networks, changed to take pixels of 0…255 and to be quick; what they answer is the same.

    But for the first: its answer is one (n, 5, height, width), the log-odds of a face and the box's four shifts.
    """
    for network in (detector.pnet, detector.rnet, detector.onet):
        network.conv1.bias -= network.conv1.weight.sum(dim=(1, 2, 3)) * (127.5 / 128)
        network.conv1.weight /= 128
        for number in (1, 2, 3, 4):
            if hasattr(network, f"pool{number}"):
                _bend_after_pooling(network, number)
            elif isinstance(getattr(network, f"conv{number}", None), nn.Conv2d):
                bend = getattr(network, f"prelu{number}")
                setattr(network, f"prelu{number}", _Bend(bend.weight, 1 - bend.weight, groups=len(bend.weight)))
    return _Proposal(detector.pnet), detector.rnet, detector.onet


class _Proposal(nn.Module):
    """The first network with one head: where all is looked at, a softmax of two is dear."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            network.conv1, network.pool1, network.conv2, network.prelu2, network.conv3, network.prelu3
        )
        judge, shift = network.conv4_1, network.conv4_2
        self.head = nn.Conv2d(judge.in_channels, 5, 1)
        self.head.weight.copy_(torch.cat([judge.weight[1:] - judge.weight[:1], shift.weight]))
        assert self.head.bias is not None
        self.head.bias.copy_(torch.cat([judge.bias[1:] - judge.bias[:1], shift.bias]))

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.head(self.layers(photos))
        return answer


class _Bend(nn.Module):
    """Ax + relu(Bx), in convolutions alone, whose layout ONNX Runtime then need not leave as it must for PReLU.

    With A = a and B = 1 − a, this is the PReLU of slope a, where that is at most 1.
    """

    def __init__(self, straight: torch.Tensor, bent: torch.Tensor, groups: int = 1) -> None:
        super().__init__()
        self.groups = groups
        self.straight, self.bent = (
            nn.Parameter(each.reshape(len(each), -1, 1, 1).clone()) for each in (straight, bent)
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        straight = F.conv2d(values, self.straight, groups=self.groups)
        return straight + torch.relu(F.conv2d(values, self.bent, groups=self.groups))


def _bend_after_pooling(network: Any, number: int) -> None:
    """Let pooling go before PReLU, which then has fewer values to bend.

    A slope a ≥ 0 keeps the order of values, so that the largest stays the largest; where it is above 1, what follows
    is given its negative, −ax + relu((a − 1)x). With a < 0, the largest PReLU is max(p, |a|q) = p + relu(|a|q − p) with
    the largest value p and the largest negated one q, for which the convolution answers the negated values, too.
    """
    conv, slopes = getattr(network, f"conv{number}"), getattr(network, f"prelu{number}").weight
    following = getattr(network, f"conv{number + 1}")
    falling = torch.where(slopes < 0)[0]
    straight, bent = torch.diag(slopes), torch.diag(1 - slopes)
    straight[slopes > 1] *= -1
    bent[slopes > 1] *= -1
    following.weight[:, slopes > 1] *= -1
    straight[falling, falling], bent[falling, falling] = 1, -1
    spare = -(len(slopes) + len(falling)) % _BLOCK
    negated = torch.zeros(len(slopes), len(falling) + spare)
    negated[falling, torch.arange(len(falling))] = -slopes[falling]
    wider = nn.Conv2d(conv.in_channels, len(slopes) + len(falling) + spare, conv.kernel_size)
    wider.weight = nn.Parameter(
        torch.cat([conv.weight, -conv.weight[falling], torch.zeros(spare, *conv.weight.shape[1:])])
    )
    wider.bias = nn.Parameter(torch.cat([conv.bias, -conv.bias[falling], torch.zeros(spare)]))
    bend = _Bend(torch.cat([straight, torch.zeros_like(negated)], dim=1), torch.cat([bent, negated], dim=1))
    setattr(network, f"conv{number}", wider)
    setattr(network, f"prelu{number}", nn.Identity())
    setattr(network, f"pool{number}", nn.Sequential(getattr(network, f"pool{number}"), bend))


if __name__ == "__main__":
    export_cascade()
    write_manifest(FOLDER.parent)
