"""The model card: every number comes from the evidence, and the limits say what the data cannot show."""

import re
from dataclasses import replace

import pytest

from siamese.evaluation.protocols import evaluate_embeddings
from siamese.evaluation.report import NetworkFacts, model_card

FACTS = NetworkFacts("mobilenet", 3_340_000, 16, 48, 13_400_000, "0123456789ab")
COMMAND = "python -m siamese reference build"


@pytest.fixture(scope="module")
def evidence(judged):
    return evaluate_embeddings(
        judged.embeddings, judged.labels, judged.prototypes, judged.calibration, judged.verification, "majority"
    )


def card_of(judged, validation, majority, plurality, calibration=None, facts=FACTS):
    calibration = calibration or judged.calibration
    return model_card(validation, majority, plurality, calibration, judged.verification, facts, COMMAND)


def row_of(card, name):
    (row,) = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", card, flags=re.MULTILINE)
    return [cell.strip() for cell in row.split("|")]


def test_each_column_holds_its_own_evidence(judged, evidence):
    three = [replace(evidence, roc_auc=area, images=images) for area, images in ((0.11, 1), (0.22, 2222), (0.33, 3))]
    card = card_of(judged, *three)
    assert row_of(card, "ROC-AUC over all pairs") == ["0.110", "0.220", "0.330"]
    assert row_of(card, "images") == ["1", "2,222", "3"]


def test_every_class_has_a_row_with_its_recall_and_count(judged, evidence):
    card = card_of(judged, evidence, evidence, evidence)
    for name in evidence.classes:
        recall, count = f"{100 * evidence.recall_per_class[name]:.1f} %", str(evidence.images_per_class[name])
        assert row_of(card, name) == [recall, recall, count, recall, count]


def test_the_rare_classes_are_named_with_their_counts(judged, evidence):
    card = card_of(judged, evidence, evidence, evidence)
    rare = re.search(r"Recognised were, under the majority protocol: (.*)\.\n", card).group(1)
    assert rare.startswith("sly ")
    assert f"of {evidence.images_per_class['sly']} test images" in rare
    assert "calm" not in rare


def test_the_likeliest_class_is_reported_only_where_offsets_make_it_differ(judged, evidence):
    other = replace(evidence, calibrated_recall_per_class={}, calibrated_accuracy=0.5)
    assert "likeliest class |" not in card_of(judged, evidence, evidence, evidence)
    card = card_of(judged, other, other, other, judged.offset_calibration)
    assert row_of(card, "accuracy of the likeliest class") == ["50.0 %"] * 3
    assert "an offset per class" in card


def test_the_card_says_what_it_is_made_of_and_what_it_is_not_for(judged, evidence):
    card = card_of(judged, evidence, evidence, evidence)
    for fact in (COMMAND, "3.3 million", "13.4 MB", "0123456789ab", "48×48", f"{evidence.ece:.3f}", "Art. 5(1)(f)"):
        assert fact in card
    assert not re.search(r"[{}]|\bnan\b|\bNone\b(?! is)", card)


@pytest.mark.parametrize(
    ("facts", "said", "unsaid"),
    [
        ({}, ["The network learned"], ["runs", "averaged", "joined in one", "distillation"]),
        ({"teachers": 2}, ["The network learned", "what 2 networks trained before saw"], ["runs", "averaged"]),
        ({"runs": 3}, ["3 runs learned", "were averaged"], ["The network learned", "joined in one"]),
        ({"runs": 2, "members": 2}, ["2 runs learned", "2 networks were joined in one"], ["averaged"]),
        ({"runs": 4, "members": 2}, ["4 runs learned", "averaged", "2 networks were joined in one"], ["distillation"]),
    ],
)
def test_it_says_what_runs_teachers_and_members_it_came_from(judged, evidence, facts, said, unsaid):
    card = card_of(judged, evidence, evidence, evidence, facts=replace(FACTS, **facts))
    data = card[card.index("## Data and protocols") : card.index("- **majority**")]
    assert all(words in data for words in said)
    assert not any(words in data for words in unsaid)
