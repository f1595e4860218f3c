"""Decoding: every allowed format and colour model becomes upright 8-bit RGB; everything else gets its sentence."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from siamese.errors import ImageError, SettingsError
from siamese.faces.decode import decode
from siamese.settings import DecodeLimits, Settings

FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"]
RED, BLUE = (200, 30, 40), (20, 60, 180)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def two_colours(left=RED, right=BLUE, size: tuple[int, int] = (64, 32)) -> Image.Image:
    """A flat picture, one colour on the left half and another on the right: formats that lose detail keep it."""
    image = Image.new("RGB", size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


# What is read


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_its_pixels_back(format: str):
    image = two_colours()
    pixels = decode(encoded(image, format))
    assert pixels.dtype == np.uint8 and pixels.shape == (32, 64, 3)
    assert np.abs(pixels.astype(int) - np.asarray(image)).mean() < 3


@pytest.mark.parametrize("kind", ["str", "path", "bytes", "image", "array"])
def test_all_five_ways_to_give_a_photo_agree(kind: str, tmp_path: Path, astronaut: NDArray[np.uint8]):
    path = tmp_path / "photo.png"
    Image.fromarray(astronaut).save(path)
    photo = {
        "str": str(path),
        "path": path,
        "bytes": path.read_bytes(),
        "image": Image.open(path),
        "array": astronaut,
    }[kind]
    np.testing.assert_array_equal(decode(photo), astronaut)


def test_the_answer_is_a_copy_that_may_be_written_to(astronaut: NDArray[np.uint8]):
    pixels = decode(astronaut)
    pixels[:] = 0
    assert astronaut.any()


@pytest.mark.parametrize("format", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_several_frames_the_first_is_read(format: str):
    frames = [Image.new("RGB", (20, 10), colour) for colour in (RED, BLUE)]
    content = encoded(frames[0], format, save_all=True, append_images=frames[1:])
    assert np.abs(decode(content).astype(int) - RED).max() < 8


def test_a_phones_multi_picture_jpeg_is_a_jpeg():
    content = encoded(Image.new("RGB", (20, 10), RED), "MPO", save_all=True, append_images=[two_colours()])
    assert decode(content).shape == (10, 20, 3)


# Orientation: a corner-marked picture, and for each EXIF value the stored pixels that it should turn upright

STORED_FOR_ORIENTATION = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),  # stored a quarter turn to the left; shown turned to the right
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", STORED_FOR_ORIENTATION)
def test_exif_orientation_is_applied(orientation: int, format: str, astronaut: NDArray[np.uint8]):
    upright = astronaut[:40, :60]
    stored = Image.fromarray(np.ascontiguousarray(STORED_FOR_ORIENTATION[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format == "WEBP" else {}
    np.testing.assert_array_equal(decode(encoded(stored, format, exif=exif, **options)), upright)


def test_exif_orientation_is_applied_to_sixteen_bits_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.array([[0, 65535, 0]], dtype=np.uint16))
    np.testing.assert_array_equal(decode(encoded(stored, exif=exif))[:, 0, 0], [0, 255, 0])


def test_an_orientation_outside_the_standard_is_ignored():
    exif = Image.Exif()
    exif[0x0112] = 9
    assert decode(encoded(two_colours(), exif=exif)).shape == (32, 64, 3)


def test_damaged_exif_does_not_cost_the_photo():
    content = encoded(two_colours(), "JPEG", exif=b"Exif\x00\x00these bytes are no EXIF")
    assert decode(content).shape == (32, 64, 3)


# Colour models


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "YCbCr", "HSV", "RGBX"])
def test_opaque_modes_keep_black_and_white(mode: str):
    pixels = decode(two_colours((0, 0, 0), (255, 255, 255)).convert(mode))
    np.testing.assert_array_equal(pixels[0, [0, -1]], [[0, 0, 0], [255, 255, 255]])


def test_grey_gets_three_equal_channels():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(grey))), np.repeat(grey[..., None], 3, axis=2))


def test_palette_indices_become_their_colours():
    pixels = decode(encoded(two_colours().convert("P", palette=Image.Palette.ADAPTIVE)))
    np.testing.assert_array_equal(pixels[0, [0, -1]], [RED, BLUE])


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_becomes_the_light_that_the_inks_leave(format: str):
    inks = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow over each other: red
    options = {"quality": 100} if format == "JPEG" else {}
    assert np.abs(decode(encoded(inks, format, **options)).astype(int) - [255, 0, 0]).max() <= 2


@given(arrays(np.uint8, (2, 3, 4)))
def test_alpha_is_laid_on_white(rgba: NDArray[np.uint8]):
    alpha = rgba[..., 3:] / 255
    expected = rgba[..., :3] * alpha + 255 * (1 - alpha)
    assert np.abs(decode(encoded(Image.fromarray(rgba))) - expected).max() <= 1


@pytest.mark.parametrize("mode", ["LA", "PA", "RGBA", "RGBa"])
def test_in_every_mode_with_alpha_what_is_transparent_turns_white(mode: str):
    image = Image.new("LA", (4, 4), (0, 0))
    assert (decode(image.convert("RGBA").convert(mode) if mode != "LA" else image) == 255).all()


def test_a_palettes_transparent_entry_turns_white():
    image = Image.new("P", (4, 2), 0)
    image.putpalette([*RED, *BLUE])
    image.paste(1, (2, 0, 4, 2))
    np.testing.assert_array_equal(decode(encoded(image, transparency=0))[0], [[255] * 3, [255] * 3, BLUE, BLUE])


def test_the_transparent_colour_of_a_gif_turns_white():
    image = Image.new("RGBA", (4, 2), (*RED, 0))
    image.paste((*BLUE, 255), (2, 0, 4, 2))
    np.testing.assert_array_equal(decode(encoded(image, "GIF"))[0], [[255] * 3, [255] * 3, BLUE, BLUE])


@given(arrays(np.uint16, (3, 4)), st.sampled_from(["PNG", "TIFF", "image", "array"]))
def test_sixteen_bits_are_scaled_not_clipped(grey: NDArray[np.uint16], kind: str):
    photo = {"image": Image.fromarray, "array": lambda pixels: pixels}.get(
        kind, lambda pixels: encoded(Image.fromarray(pixels), kind)
    )(grey)
    expected = grey.astype(float) * 255 / 65535
    assert np.abs(decode(photo) - expected[..., None]).max() <= 0.5 + 1e-6


def test_sixteen_bit_colour_is_scaled_too():
    content = png_of_sixteen_bit_rgb([(0, 32768, 65535), (257, 514, 65000)])
    np.testing.assert_allclose(decode(content)[0], [(0, 128, 255), (1, 2, 253)], atol=1)


def test_big_endian_sixteen_bits_are_read_in_their_order():
    image = Image.frombytes("I;16B", (2, 1), struct.pack(">2H", 257 * 7, 257 * 200))
    np.testing.assert_array_equal(decode(encoded(image, "TIFF"))[0, :, 0], [7, 200])


def png_of_sixteen_bit_rgb(row: list[tuple[int, int, int]]) -> bytes:
    """One row of pixels as a PNG by the standard's letter, since Pillow writes none of 48 bits a pixel."""
    samples = b"\0" + b"".join(struct.pack(">3H", *pixel) for pixel in row)
    header = struct.pack(">2I5B", len(row), 1, 16, 2, 0, 0, 0)
    return PNG_SIGNATURE + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(samples)) + png_chunk(b"IEND")


def png_chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


# Arrays


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((5, 4), (5, 4, 3)), ((5, 4, 1), (5, 4, 3)), ((5, 4, 2), (5, 4, 3)), ((5, 4, 4), (5, 4, 3))],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_arrays_of_one_to_four_channels_become_rgb(shape, expected, dtype):
    white = np.full(shape, np.iinfo(dtype).max, dtype=dtype)
    pixels = decode(white)
    assert pixels.shape == expected and (pixels == 255).all()


def test_arrays_that_are_views_are_read_in_their_order(astronaut: NDArray[np.uint8]):
    np.testing.assert_array_equal(decode(astronaut[::-2, ::3]), astronaut[::-2, ::3])


# Refusals, each with its sentence


def refusal(photo, limits: DecodeLimits | None = None) -> str:
    with pytest.raises(ImageError) as caught:
        decode(photo, limits)
    return str(caught.value)


def test_a_missing_file(tmp_path: Path):
    assert refusal(tmp_path / "gone.jpg") == f"There is no file {tmp_path / 'gone.jpg'}. Check its name and folder."


def test_a_folder(tmp_path: Path):
    assert refusal(tmp_path) == f"{tmp_path} is a folder. Choose a photo in it."


@pytest.mark.parametrize("name", ["a\0b.jpg", "x" * 5000])
def test_a_name_that_no_file_can_have(name: str):
    assert "cannot be read" in refusal(name)


def test_an_empty_file(tmp_path: Path):
    path = tmp_path / "empty.jpg"
    path.touch()
    assert refusal(path) == "empty.jpg is empty: it has no bytes. Choose another."
    assert refusal(b"") == "The photo is empty: it has no bytes. Choose another."


@pytest.mark.parametrize("photo", [np.zeros((0, 5, 3), np.uint8), Image.new("RGB", (0, 5))])
def test_a_picture_without_pixels(photo):
    assert "is empty" in refusal(photo)


@pytest.mark.parametrize(
    "content", [b"hello, this is a letter", b"%PDF-1.7", b"<svg/>", b"\0" * 100, b"P5 2 2 255 abcd"]
)
def test_what_is_not_an_image_in_one_of_the_formats(content: bytes):
    assert refusal(content) == (
        "The photo is not an image that can be read. Give a JPEG, PNG, WebP, BMP, GIF or TIFF file."
    )


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_truncated_file(format: str, share: float, tmp_path: Path, astronaut: NDArray[np.uint8]):
    content = encoded(Image.fromarray(astronaut), format)
    path = tmp_path / f"cut.{format.lower()}"
    path.write_bytes(content[: int(len(content) * share)])
    assert refusal(path).startswith(f"{path.name} is truncated or damaged")


def test_a_picture_opened_from_a_truncated_file(astronaut: NDArray[np.uint8]):
    content = encoded(Image.fromarray(astronaut), "JPEG")
    assert "truncated or damaged" in refusal(Image.open(io.BytesIO(content[:3000])))


@given(st.sampled_from(FORMATS), st.integers(0, 2**32 - 1))
def test_damaged_bytes_are_read_or_refused_but_never_crash(format: str, seed: int):
    rng = np.random.default_rng(seed)
    content = bytearray(encoded(two_colours(), format))
    for position in rng.integers(len(content), size=rng.integers(1, 20)):
        content[position] = rng.integers(256)
    try:
        pixels = decode(bytes(content), DecodeLimits(max_pixels=1_000_000))
    except ImageError:
        return
    assert pixels.dtype == np.uint8 and pixels.shape[2] == 3


def test_too_many_bytes(tmp_path: Path):
    path = tmp_path / "big.bmp"
    two_colours(size=(100, 100)).save(path)  # 30,054 bytes
    limits = DecodeLimits(max_file_bytes=20_000)
    expected = "is too large: it has 0.0 MB, and at most 0.02 MB are read. Save it smaller."
    assert refusal(path, limits) == f"big.bmp {expected}"
    assert refusal(path.read_bytes(), limits) == f"The photo {expected}"
    assert decode(path, DecodeLimits(max_file_bytes=30_054)).shape == (100, 100, 3)


def test_too_many_pixels():
    limits = DecodeLimits(max_pixels=1_000_000)
    expected = "is 1250 × 1000, 1.2 megapixels, and at most 1 megapixels are read. Scale it down."
    image = Image.new("L", (1250, 1000))
    assert refusal(encoded(image), limits) == f"Too large: The photo {expected}"
    assert refusal(image, limits) == f"Too large: The picture {expected}"
    assert refusal(np.asarray(image), limits) == f"Too large: The array {expected}"
    assert decode(Image.new("L", (1000, 1000)), limits).shape == (1000, 1000, 3)


@pytest.mark.parametrize("side", [7_100, 9_500, 13_500, 60_000], ids=["ours", "Pillow warns", "Pillow refuses", "bomb"])
def test_pixels_are_counted_before_any_is_decoded(side: int):
    header = struct.pack(">2I5B", side, side, 8, 0, 0, 0, 0)
    without_pixels = PNG_SIGNATURE + png_chunk(b"IHDR", header) + png_chunk(b"IDAT")
    message = refusal(without_pixels)
    assert message.startswith("Too large") and "at most 50 megapixels" in message


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool])
def test_arrays_whose_white_is_unknown(dtype):
    message = refusal(np.zeros((4, 4, 3), dtype))
    assert f"An array of {np.dtype(dtype)} has no agreed white" in message and "uint8" in message


@pytest.mark.parametrize("shape", [(4,), (4, 4, 5), (2, 4, 4, 3), (3, 480, 640)])
def test_arrays_of_another_shape(shape: tuple[int, ...]):
    assert refusal(np.zeros(shape, np.uint8)).startswith(f"An array of shape {shape} is not a photo")


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pictures_of_32_bit_numbers(mode: str):
    assert "32-bit numbers" in refusal(Image.new(mode, (4, 4)))
    assert "32-bit numbers" in refusal(encoded(Image.new(mode, (4, 4)), "TIFF"))


def test_colours_that_pillow_cannot_convert():
    assert "has colours (La) that cannot be shown" in refusal(Image.new("La", (4, 4)))  # premultiplied grey


def test_what_is_no_photo_at_all():
    assert refusal(None) == "A photo is a path, bytes, a PIL image or an RGB array; this is a NoneType."


# Limits come from the settings, and those from the environment


def test_limits_can_be_set_in_the_environment(monkeypatch: pytest.MonkeyPatch):
    assert Settings().decode_limits == DecodeLimits(20_000_000, 50_000_000)
    monkeypatch.setenv("SEMBLANCE_MAX_PIXELS", "1000")
    assert Settings().decode_limits == DecodeLimits(20_000_000, 1000)
    assert "at most 0.001 megapixels" in refusal(two_colours(), Settings().decode_limits)


def test_a_setting_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SEMBLANCE_MAX_PIXELS", "many")
    with pytest.raises(SettingsError, match="SEMBLANCE_MAX_PIXELS is «many», which cannot be used"):
        Settings()
