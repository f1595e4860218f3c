"""`python -m siamese gallery …`, from photos drawn here to answers on the terminal."""

import json
import shutil
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import skimage.io

from siamese.cli import USER_ERROR
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Wanted
from siamese.manifest import check_manifest, write_manifest
from siamese.network.runtime import Embedder
from tests.browser.labelled import labelled_copy
from tests.test_cli import run
from tests.tiny import draw_face


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two happy faces, one smirk, one of nobody knows what, and a file that is no photo."""
    folder = tmp_path_factory.mktemp("photos") / "album"
    for name, label, seed in (("happy/a", 1, 0), ("happy/b", 1, 1), ("smirks/c", 7, 2), ("d", 2, 3)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        skimage.io.imsave(folder / f"{name}.png", draw_face(label, seed, size=96), check_contrast=False)
    (folder / "broken.jpg").write_bytes(b"no image")
    return folder


@pytest.fixture
def gallery(photos: Path, reference: Path, tmp_path: Path) -> Path:
    out = tmp_path / "gallery"
    assert run("gallery", "build", "--folder", photos, "--out", out, "--tag", "mine", "--reference", reference) == 0
    return out


def opened(folder: Path, reference: Path) -> Gallery:
    return Gallery.open(folder, Embedder(reference / "network.onnx").fingerprint)


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    capsys.readouterr()
    assert run(*words) == 0
    return json.loads(capsys.readouterr().out)


def test_info_tells_what_is_in_it_and_what_was_left_out(
    gallery: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = answer(capsys, "gallery", "info", gallery, "--json", "--reference", reference)
    assert (told["title"], told["examples"], told["index"]["engine"]) == ("album", 4, "flat")
    assert told["counts"]["tag"] == {"mine": 4}
    assert told["counts"]["emotion"].items() >= {"smirks": 1}.items()
    ((name, why),) = told["refused"].items()
    assert name.endswith("broken.jpg") and "not an image" in why
    assert run("gallery", "info", gallery, "--reference", reference) == 0
    out, err = capsys.readouterr()
    assert "4 examples" in out and "smirks" in out and "broken.jpg" in err


def test_adding_again_adds_what_is_new(gallery: Path, photos: Path, reference: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    shutil.copytree(photos, more)
    skimage.io.imsave(more / "new.png", draw_face(4, 9, size=96), check_contrast=False)
    assert run("gallery", "add", gallery, "--folder", more, "--reference", reference) == 0
    items = opened(gallery, reference).items
    assert [item.source for item in items][4:] == ["new.png"]
    assert items[4].tags == ()


def test_photos_of_one_name_in_two_folders_are_told_apart(reference: Path, tmp_path: Path) -> None:
    for name, label in (("happy", 1), ("sad", 3)):
        path = tmp_path / "two" / name / "IMG_1.png"
        path.parent.mkdir(parents=True)
        skimage.io.imsave(path, draw_face(label, size=96), check_contrast=False)
    gallery = tmp_path / "gallery"
    assert run("gallery", "build", "--folder", tmp_path / "two", "--out", gallery, "--reference", reference) == 0
    assert run("gallery", "remove", gallery, "--source", "happy/IMG_1.png", "--reference", reference) == 0
    assert [(item.source, item.emotion) for item in opened(gallery, reference).items] == [("sad/IMG_1.png", "sadness")]


def test_folders_that_are_named_after_no_expression_are_told(
    photos: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--out", tmp_path / "new", "--reference", reference)
    assert run("gallery", "build", "--folder", photos, *words) == 0
    told = capsys.readouterr().err
    assert "become labels, though no expression is called so: «smirks»." in told
    assert run("gallery", "build", "--folder", photos, *words) == 0  # by now they are labels of this gallery
    assert "become labels" not in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_of_photos_is_as_good_as_their_folder(
    photos: Path, gallery: Path, reference: Path, tmp_path: Path, kind: str
) -> None:
    archive = tmp_path / f"album.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for path in photos.rglob("*.*"):
                packed.write(path, path.relative_to(photos))
    else:
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(photos, ".")
    assert run("gallery", "build", "--archive", archive, "--out", tmp_path / "two", "--reference", reference) == 0
    ids = [{item.id for item in opened(folder, reference).items} for folder in (gallery, tmp_path / "two")]
    assert ids[0] == ids[1]


@pytest.mark.parametrize("within", ["photos", "photos/of us", ""])
def test_the_one_folder_that_an_archive_has_is_no_label(
    photos: Path, reference: Path, tmp_path: Path, within: str
) -> None:
    archive = tmp_path / "album.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("__MACOSX/._a.png", b"")
        for name in ("happy/a.png", "happy/b.png"):
            packed.write(photos / name, Path(within, name))
    words = ("--archive", archive, "--out", tmp_path / "two", "--processes", 1, "--reference", reference)
    assert run("gallery", "build", *words) == 0
    assert [item.emotion for item in opened(tmp_path / "two", reference).items] == ["happiness"] * 2


def test_building_again_goes_on(
    photos: Path, gallery: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = tmp_path / "more"
    shutil.copytree(photos, more)
    skimage.io.imsave(more / "new.png", draw_face(4, 9, size=96), check_contrast=False)
    assert run("gallery", "build", "--folder", more, "--out", gallery, "--reference", reference) == 0
    assert "going on with «album», which has 4 examples already" in capsys.readouterr().err
    assert len(opened(gallery, reference)) == 5


@pytest.mark.parametrize("given", [("--folder",), ("--archive",), ("--dataset", "ferplus", "--root")])
def test_what_is_mistyped_begins_no_gallery(reference: Path, tmp_path: Path, given: tuple[str, ...]) -> None:
    words = (*given, tmp_path / "nowhere", "--out", tmp_path / "gallery", "--reference", reference)
    assert run("gallery", "build", *words) == USER_ERROR
    assert not (tmp_path / "gallery").exists()


def test_square_brackets_are_shown_as_they_are(
    gallery: Path, photos: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "two"
    words = ("--folder", photos, "--out", out, "--tag", "[/b]", "--tag", "[red]", "--reference", reference)
    assert run("gallery", "build", *words) == 0
    for command in ("list", "info"):
        capsys.readouterr()
        assert run("gallery", command, out, "--reference", reference) == 0
        told = capsys.readouterr().out
        assert "[/b]" in told and "[red]" in told


def test_several_processes_make_the_same_gallery_as_one(
    photos: Path, gallery: Path, reference: Path, tmp_path: Path
) -> None:
    words = ("--folder", photos, "--out", tmp_path / "two", "--processes", 2, "--tag", "mine", "--reference", reference)
    assert run("gallery", "build", *words) == 0
    assert opened(tmp_path / "two", reference).items == opened(gallery, reference).items


def test_examples_are_listed_by_what_is_wanted(
    gallery: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("gallery", "list", gallery, "--emotion", "happiness", "--reference", reference)
    told = answer(capsys, *words, "--json", "--size", 1, "--page", 2)
    assert (told["examples"], [item["emotion"] for item in told["items"]]) == (2, ["happiness"])
    assert "thumbnail" not in told["items"][0]
    assert run(*words) == 0
    assert told["items"][0]["id"] in capsys.readouterr().out


def test_examples_are_removed_by_id_or_by_what_they_are(
    gallery: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = opened(gallery, reference).items[0].id
    assert run("gallery", "remove", gallery, first, "nobody", "--reference", reference) == USER_ERROR
    assert "no example «nobody». Nothing was removed" in capsys.readouterr().err
    assert run("gallery", "remove", gallery, "--reference", reference) == USER_ERROR
    assert "Say what to remove" in capsys.readouterr().err
    assert run("gallery", "remove", gallery, first, "--reference", reference) == 0
    assert run("gallery", "remove", gallery, "--emotion", "smirks", "--tag", "mine", "--reference", reference) == 0
    left = opened(gallery, reference).items
    assert len(left) == 2 and first not in {item.id for item in left} and "smirks" not in {i.emotion for i in left}


def test_emotions_may_be_spelled_otherwise_and_ids_given_twice(
    gallery: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (gallery, "--emotion", "happy", "--reference", reference)
    ids = [item["id"] for item in answer(capsys, "gallery", "list", *words, "--json")["items"]]
    assert len(ids) == 2
    assert run("gallery", "relabel", gallery, "joy", ids[0], ids[0], "--reference", reference) == 0
    assert "1 labelled happiness by hand" in capsys.readouterr().out
    assert run("gallery", "remove", gallery, ids[0], ids[0], "--reference", reference) == 0
    assert "1 removed, 3 left" in capsys.readouterr().out
    assert run("gallery", "remove", *words) == 0
    assert "1 removed, 2 left" in capsys.readouterr().out


def test_what_others_wrote_does_not_steer_the_terminal(
    gallery: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Gallery.open(gallery, Embedder(reference / "network.onnx").fingerprint, writable=True)
    (item,), embedding = store.page(1, 1), store.embeddings[:1]
    steering = "\x1b]0;owned\x07\x1b[2J"
    store.add(
        [replace(item, id="sent", source=f"x{steering}", tags=(f"a{steering}",), emotion=f"e{steering}")], embedding
    )
    store.close()
    for command in ("list", "info"):
        assert run("gallery", command, gallery, "--reference", reference) == 0
        out = capsys.readouterr().out
        assert "owned" in out and "\x1b]0" not in out and "\x1b[2J" not in out and "\x07" not in out


def test_pages_and_words_that_cannot_be_are_answered_in_a_sentence(
    gallery: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("gallery", "list", gallery, "--page", 10**20, "--reference", reference) == USER_ERROR
    assert "1000000000" in capsys.readouterr().err
    for option in ("--source", "--tag"):
        listed = answer(capsys, "gallery", "list", gallery, option, "caf\udce9", "--json", "--reference", reference)
        assert listed["examples"] == 0


def test_confirming_what_an_expression_was_taught_from_leaves_it_taught(
    gallery: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Gallery.open(gallery, Embedder(reference / "network.onnx").fingerprint, writable=True)
    (smirk,) = store.page(1, 1, Wanted("smirks"))
    store.store.relabel([smirk.id], "smirks", "teaching")
    store.close()
    assert run("gallery", "relabel", gallery, "smirks", smirk.id, "--reference", reference) == 0
    told = answer(capsys, "gallery", "info", gallery, "--json", "--reference", reference)
    assert told["counts"]["labelled_by"]["teaching"] == 1


def test_the_gallery_of_a_reference_set_stays_as_it_is(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = shutil.copytree(reference, tmp_path / "own")
    write_manifest(own)
    changes = (("remove", "x"), ("relabel", "fear", "x"), ("map",), ("rebuild",), ("add", "--folder", tmp_path))
    for name, *words in changes:
        assert run("gallery", name, own / "gallery", *words, "--reference", own) == USER_ERROR
        assert "part of a reference set" in capsys.readouterr().err
    check_manifest(own)


@pytest.mark.parametrize("command", ["list", "remove"])
def test_a_misspelt_emotion_is_refused(
    command: str, gallery: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("gallery", command, gallery, "--emotion", "hapiness", "--reference", reference) == USER_ERROR
    out, err = capsys.readouterr()
    assert "«album» has no examples of «hapiness», only of: happiness, " in err and not out.endswith("left\n")


def test_what_is_exported_can_be_imported_elsewhere(gallery: Path, reference: Path, tmp_path: Path) -> None:
    assert run("gallery", "export", gallery, tmp_path / "gallery.zip", "--reference", reference) == 0
    assert run("gallery", "import", tmp_path / "gallery.zip", tmp_path / "two", "--reference", reference) == 0
    assert opened(tmp_path / "two", reference).items == opened(gallery, reference).items
    assert opened(tmp_path / "two", reference).store.kept_places() is not None


def test_the_map_is_drawn_as_a_gallery_is_built_and_anew_when_asked(
    gallery: Path, photos: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, places, until = opened(gallery, reference).store.kept_places() or pytest.fail("there is no map")
    assert rows.tolist() == [1, 2, 3, 4] and places.shape == (4, 2) and until == 4
    more = tmp_path / "more"
    more.mkdir()
    skimage.io.imsave(more / "new.png", draw_face(4, 9, size=96), check_contrast=False)
    assert run("gallery", "add", gallery, "--folder", more, "--reference", reference) == 0
    assert run("gallery", "map", gallery, "--seal", "--reference", reference) == 0
    assert "5 of 5 examples on the map" in capsys.readouterr().out
    assert [path.name for path in gallery.iterdir()] == ["gallery.sqlite"]
    assert (opened(gallery, reference).store.kept_places() or pytest.fail("there is no map"))[2] == 5


def test_a_gallery_of_another_network_is_rebuilt_by_the_command_that_the_refusal_names(
    gallery: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = Embedder("prototypes/network.onnx").fingerprint
    assert run("gallery", "list", gallery) == USER_ERROR  # by the reference set that ships
    refusal = capsys.readouterr().err
    assert shipped in refusal and Embedder(reference / "network.onnx").fingerprint in refusal
    command = refusal.split("`")[1].split()
    assert command[:3] == ["python", "-m", "siamese"]
    assert run(*command[3:]) == 0
    assert "4 of 4 examples read anew" in capsys.readouterr().out
    assert len(Gallery.open(gallery, shipped)) == 4
    assert Gallery.open(gallery, shipped).store.kept_places() is not None


def test_with_a_reference_set_of_one_s_own_the_refusal_says_to_name_it_again(
    photos: Path, portrait: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gallery, words = tmp_path / "gallery", ("--reference", reference)
    assert run("gallery", "build", "--folder", photos, "--out", gallery) == 0  # by the reference set that ships
    assert run("similar", portrait, *words, "--gallery", gallery) == USER_ERROR
    refusal = capsys.readouterr().err
    assert "with the same --reference where you gave one" in refusal
    assert run(*refusal.split("`")[1].split()[3:], *words) == 0
    assert run("similar", portrait, *words, "--gallery", gallery) == 0


def test_it_is_said_when_nothing_shows_a_face(
    tmp_path: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no image")
    out = tmp_path / "gallery"
    assert (
        run("gallery", "build", "--folder", tmp_path / "photos", "--out", out, "--reference", reference) == USER_ERROR
    )
    err = capsys.readouterr().err
    assert "broken.jpg" in err and "There is no face to build a gallery from" in err


@pytest.mark.parametrize("harm", ["no archive", "damaged", "damaged, by xz", "password"])
def test_a_damaged_archive_is_refused(
    tmp_path: Path, reference: Path, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    archive = tmp_path / "album.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA if "xz" in harm else zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.png", b"many words " * 99)
    content = bytearray(archive.read_bytes())
    if "damaged" in harm:
        content[35:45] = b"\xff" * 10  # the first of what was packed
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(header) + flags] |= harm == "password"
    archive.write_bytes(b"no archive" if harm == "no archive" else content)
    words = ("--archive", tmp_path / "album.zip", "--out", tmp_path / "gallery", "--reference", reference)
    assert run("gallery", "build", *words) == USER_ERROR
    assert "cannot be unpacked" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nothere.zip", "There is no file {}. Check its name and folder.\n"),
        ("", "{} is a folder. Give it as --folder, or give a .zip or .tar file of photos.\n"),
        ("text.jpg", "{} cannot be unpacked: it is no archive, or is damaged. Give a .zip or .tar file of photos.\n"),
    ],
)
def test_what_is_no_archive_is_told_in_a_sentence(
    tmp_path: Path, reference: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    (tmp_path / "text.jpg").write_text("Dear reader")
    words = ("--archive", tmp_path / name, "--out", tmp_path / "gallery", "--reference", reference)
    assert run("gallery", "build", *words) == USER_ERROR
    assert capsys.readouterr().err == told.format(tmp_path / name)


def test_a_data_set_is_not_sent_to_a_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--dataset", "ferplus", "--root", tmp_path, "--out", tmp_path / "gallery", "--ray", "local")
    assert run("gallery", "build", *words) == USER_ERROR
    assert "--ray is for photos" in capsys.readouterr().err


def test_a_gallery_is_not_begun_where_no_cluster_answers(
    photos: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
    words = ("--folder", photos, "--out", tmp_path / "gallery", "--reference", reference, "--ray", "127.0.0.1:1")
    assert run("gallery", "build", *words) == USER_ERROR
    assert "No Ray cluster answers at 127.0.0.1:1" in capsys.readouterr().err
    assert not (tmp_path / "gallery").exists()


def test_the_index_may_be_at_an_address(
    gallery: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("milvus_lite", reason="Milvus is not installed: `pip install -r requirements-milvus.txt`")
    index = f"milvus:{tmp_path / 'index.db'}"
    assert run("gallery", "rebuild", gallery, "--index", index, "--reference", reference) == 0
    assert f"index {index}: as asked for" in capsys.readouterr().out
    told = answer(capsys, "gallery", "info", gallery, "--json", "--index", index, "--reference", reference)
    assert told["index"]["engine"] == index


def test_an_index_that_does_not_exist_is_named(
    gallery: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("gallery", "info", gallery, "--index", "fast", "--reference", reference) == USER_ERROR
    assert "There is no engine «fast»" in capsys.readouterr().err


def test_doubted_labels_are_ranked_and_those_given_by_hand_are_doubted_no_more(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = labelled_copy(reference, tmp_path / "own")
    words = ("gallery", "check", tmp_path / "own", "--reference", reference)
    told = answer(capsys, *words, "--json", "--count", 2)
    assert (told["checked"], told["doubted"], len(told["labels"])) == (48, 2, 2)
    first = told["labels"][0]
    assert first["id"] in wrong and first["label"] != first["suggested"] and first["disagreeing"]
    assert run(*words) == 0
    out = capsys.readouterr().out
    assert first["id"] in out and "48 labels that people gave were checked" in out
    gallery = tmp_path / "own"
    assert run("gallery", "relabel", gallery, first["suggested"], first["id"], "--reference", reference) == 0
    told = answer(capsys, *words, "--json", "--count", 100)
    assert told["not_checked"] == {"hand": 1}
    assert first["id"] not in {each["id"] for each in told["labels"]}


def test_one_label_can_be_checked_and_an_unknown_one_is_refused(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled_copy(reference, tmp_path / "own")
    words = ("gallery", "check", tmp_path / "own", "--reference", reference)
    told = answer(capsys, *words, "--json", "--emotion", "Sad", "--count", 100)
    assert {each["label"] for each in told["labels"]} <= {"sadness"}
    assert run(*words, "--emotion", "Sad") == 0
    assert capsys.readouterr().out.rstrip().endswith(f"Labelled sadness: {told['doubted']}.")
    assert run(*words, "--emotion", "grin") == USER_ERROR
    assert "no examples of «grin»" in capsys.readouterr().err
    assert run("gallery", "relabel", tmp_path / "own", "grin", "nobody", "--reference", reference) == USER_ERROR
    assert "There is no label «grin»" in capsys.readouterr().err


def test_labels_that_nobody_gave_are_not_checked(reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gallery", "check", reference / "gallery", "--reference", reference) == USER_ERROR
    assert "Not checked: composites (48)" in capsys.readouterr().err
