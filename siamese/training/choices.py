"""What each choice by name means, for the end of `train_siamese.py --help`: a sentence for every one."""

import textwrap
from collections.abc import Mapping

EXPLAINED: Mapping[str, Mapping[str, str]] = {
    "dataset": {
        "ferplus": "FER+ on FER2013's images: eight expressions, ten votes an image",
        "fer2013": "FER2013 by its own labels: seven expressions",
        "ckplus": "CK+: the last frames of each sequence, seven expressions without neutral; people are known",
        "ckplus-neutral": "the same, and each sequence's first frame as neutral",
        "jaffe": "JAFFE: ten women, seven expressions; people are known",
        "mmi": "MMI: six expressions; people are known",
        "bu3dfe": "BU-3DFE: seven expressions; people are known",
        "affectnet": "AffectNet: eight expressions",
        "affectnet7": "AffectNet without contempt",
        "affectnet-balanced": "Balanced AffectNet, as folders",
        "rafdb": "RAF-DB, basic expressions, aligned: seven",
        "folder": "your own: a folder for each expression, under train/, validation/ and test/ if you like",
    },
    "crops": {
        "aligned": "turned and scaled by the eyes and mouth that are found; the whole image where no face is",
        "box": "a square around the face that is found",
        "whole": "the image as it is, for faces that are cut out already",
    },
    "near_copies": {
        "drop": "of pictures that nearly repeat each other, one alone is in pairs and triplets",
        "keep": "all are",
    },
    "teacher_view": {
        "picture": "each picture as it is and its mirror image, once before the run: costs next to nothing",
        "crop": "at every step the very crops that the network learns from, varied and mixed: for long runs on a GPU",
    },
    "backbone": {
        "mobilenet": "MobileNet v1, which the face weights are of, on 112 pixels",
        "mobilenet_160": "the same on 160 pixels; the one that ships",
        "mobilenet_224": "the same on 224 pixels, as the face weights were trained",
        "mobilenet_pair": "two of them side by side; --initial-weights names two networks",
        "mobilefacenet": "MobileFaceNet: a third of the weights",
        "resnet18": "ResNet18 with a stem for small crops: the most multiply-adds of all",
        "resnet18_half": "the same with half the channels",
        "resnet50": "ResNet50 with a stem for small crops",
        "mobilenet_v3": "MobileNetV3 Large: the fewest multiply-adds of the deep ones",
        "efficientnet_b0": "EfficientNet-B0",
        "efficientnet_lite0": "EfficientNet-Lite0; ImageNet's weights are in a registry package",
        "vgg": "four stages of two convolutions, VGG's way, with batch norm and dropout",
        "cnn": "three convolutions: a baseline",
    },
    "sampler": {
        "mixed": "images as they come, and beside them P classes of K",
        "balanced": "P classes of K alone",
        "natural": "images as they come",
        "weighted": "images drawn such that every class is as likely",
    },
    "compile": {
        "no": "it runs as it is",
        "yes": "it is made into machine code first, by a C++ compiler: a minute that long runs on CPUs win back",
    },
    "metric_loss": {
        "contrastive": "D² of pairs of one class and max(0, margin − D)² of others (Hadsell et al. 2006)",
        "triplet": "triplets that keep the order but not the margin: semi-hard (Schroff et al. 2015)",
        "triplet_all": "every triplet that does not keep the margin",
        "triplet_hard": "each anchor with its hardest positive and negative (Hermans et al. 2017)",
        "supcon": "each anchor's positives against all others (Khosla et al. 2020); it takes no margin",
        "proxy_anchor": "learned proxies as anchors of the whole batch (Kim et al. 2020)",
        "arcface": "softmax over learned directions, with a margin of the angle in radians (Deng et al. 2019)",
        "gaussian": "each class a Gaussian around its batch's mean (Marrero Fernandez et al. 2019); K of 30 or more, "
        "no margin",
    },
    "auxiliary_loss": {
        "votes": "cross-entropy with the votes' shares",
        "focal": "the same, where what is right already counts less (Lin et al. 2017; γ = 2)",
    },
    "class_weights": {
        "none": "every image counts alike",
        "balanced": "an image of a class counts N / (N_c · C)",
    },
    "mix": {
        "none": "pictures stay as they are",
        "mixup": "two pictures are blended, and their votes (Zhang et al. 2018)",
        "cutmix": "a rectangle of one is put into the other, and votes are mixed by area (Yun et al. 2019)",
    },
    "optimizer": {
        "adamw": "AdamW",
        "sgd": "SGD with Nesterov's momentum of 0.9",
    },
    "schedule": {
        "cosine": "falls to zero over the run",
        "restarts": "falls to zero and starts anew, in cycles of which each is twice as long (SGDR)",
        "plateau": "falls to a tenth when validation stops rising for --plateau-patience epochs",
        "constant": "stays",
    },
    "precision": {
        "auto": "bfloat16 where the machine has instructions for it, single precision elsewhere",
        "bf16-mixed": "bfloat16 where that is safe; many times slower on a processor that imitates it",
        "32-true": "single precision",
    },
    "accelerator": {
        "auto": "the first of the others that is there, a GPU before the processor",
        "cpu": "the processor",
        "cuda": "NVIDIA's GPUs",
        "mps": "Apple's GPUs",
    },
}

_WIDTH = 80
_INDENT = 24


def told() -> str:
    """All of them as text, option by option."""
    parts = []
    for option, choices in EXPLAINED.items():
        lines = (
            textwrap.fill(
                f"  {name:<{_INDENT - 3}} {sentence}",
                _WIDTH,
                subsequent_indent=" " * _INDENT,
                break_on_hyphens=False,
            )
            for name, sentence in choices.items()
        )
        parts.append("\n".join([f"--{option.replace('_', '-')}", *lines]))
    return "What can be chosen:\n\n" + "\n\n".join(parts)
