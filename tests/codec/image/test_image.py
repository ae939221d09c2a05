"""The image codec on real files: every mode and layout in, one grid out, records kept."""

from __future__ import annotations

import gzip
import io
import json
import struct
import warnings
import zipfile
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from genloom.codec.base import Codec
from genloom.codec.image.codec import ImageCodec
from genloom.codec.image.files import pixel_hash, read_record, write_picture
from genloom.codec.image.pictures import Picture
from genloom.codec.image.resize import resized
from genloom.codec.saving import save_json
from genloom.errors import DataError, ModelError, RecipeError, RequestError, ResourceError
from genloom.spec import ArraySpec


def picture(size=(8, 8), mode="RGB", seed=0):
    rng = np.random.default_rng(seed)
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    return Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def codec():
    return ImageCodec(size=8, mode="RGB")


def test_it_is_a_codec(codec):
    assert isinstance(codec, Codec)
    assert (codec.kind, codec.media, codec.suffix) == ("image", "image/png", ".png")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pixels_come_back_exactly(mode):
    items = [picture(seed=n).convert(mode) for n in range(5)]
    codec = ImageCodec(size=8, mode=mode)
    x = codec.encode(items)
    assert x.shape == (5, *codec.spec.shape)
    assert x.dtype == torch.float32
    assert -1 <= x.min() < -0.8 and 0.8 < x.max() <= 1
    back = codec.decode(x)
    assert [i.mode for i in back] == [mode] * 5
    assert all(np.array_equal(a, b) for a, b in zip(items, back, strict=True))


def test_decode_never_fails_on_a_legal_tensor(codec):
    x = torch.full((1, 3, 8, 8), float("nan"))
    x[0, 0], x[0, 1] = float("inf"), -7.0
    assert codec.decode(x)[0].getpixel((0, 0)) == (255, 0, 0)


def test_auto_is_grey_only_where_all_are_grey():
    grey = [picture(mode="L"), picture(mode="L").convert("RGB")]
    codec = ImageCodec(size=8)
    with pytest.raises(DataError, match="call fit"):
        _ = codec.spec
    codec.fit(grey)
    assert codec.spec.channels == 1
    codec.fit([*grey, picture()])
    assert codec.spec.channels == 3


def test_every_mode_comes_in():
    base = Image.new("RGB", (8, 8), (255, 0, 0))
    see_through = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    deep = Image.fromarray(np.full((8, 8), 65535, np.uint16))
    palette = base.convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    codec = ImageCodec(size=8, mode="RGB")
    cases = {
        "P": (base.convert("P"), (255, 0, 0)),
        "P see-through": (palette, (255, 255, 255)),
        "RGBA": (see_through, (255, 255, 255)),
        "LA": (Image.new("LA", (8, 8), (0, 255)), (0, 0, 0)),
        "LA half": (Image.new("LA", (8, 8), (0, 127)), (128, 128, 128)),
        "1": (Image.new("1", (8, 8), 1), (255, 255, 255)),
        "I;16": (deep, (255, 255, 255)),
        "F": (Image.new("F", (8, 8), 0.5), (128, 128, 128)),
        "CMYK": (Image.new("CMYK", (8, 8), (0, 0, 0, 255)), (0, 0, 0)),
    }
    for name, (image, expected) in cases.items():
        got = codec.decode(codec.encode([image]))[0].getpixel((3, 3))
        assert got == expected, name


def test_background_shows_through():
    codec = ImageCodec(size=4, mode="RGB", background="#0000ff")
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert codec.decode(codec.encode([image]))[0].getpixel((0, 0)) == (0, 0, 255)


def test_a_turned_photograph_stands_upright_and_an_animation_gives_its_first_frame(tmp_path):
    image = Image.new("RGB", (8, 4), "black")
    image.paste("white", (0, 0, 4, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise brings it upright
    image.save(tmp_path / "turned.png", exif=exif)
    opened = Picture(tmp_path / "turned.png").open()
    assert opened.size == (4, 8)
    assert opened.getpixel((0, 0)) == (255, 255, 255)
    assert opened.getpixel((0, 7)) == (0, 0, 0)
    frames = [Image.new("RGB", (4, 4), c) for c in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert Picture(tmp_path / "moving.gif").open().convert("RGB").getpixel((1, 1)) == (255, 0, 0)


def test_crop_keeps_the_middle_pad_keeps_all_stretch_bends():
    wide = Image.new("L", (16, 8), 0)
    wide.paste(255, (4, 0, 12, 8))
    assert np.asarray(resized(wide, (8, 8), "crop")).min() == 255
    padded = np.asarray(resized(wide, (8, 8), "pad"))
    assert padded[:2].max() == 0 and padded[3:5, 3:5].min() == 255 and padded[6:].max() == 0
    stretched = np.asarray(resized(wide, (8, 8), "stretch"))
    assert (stretched[:, 2:6] == 255).all() and (stretched[:, :2] == 0).all()


def test_whole_factors_keep_pixel_art_exact():
    small = picture((8, 8))
    large = small.resize((32, 32), Image.Resampling.NEAREST)
    assert np.array_equal(resized(large, (8, 8), "crop"), small)
    assert np.array_equal(resized(small, (32, 32), "crop"), large)
    padded = np.asarray(resized(small, (12, 12), "pad"))
    assert np.array_equal(padded[2:10, 2:10], small)  # 12 / 8 is not whole: kept, with a margin


def test_shrinking_averages():
    board = Image.fromarray((np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8))
    shrunk = np.asarray(resized(board, (10, 10), "stretch")).astype(int)
    assert abs(shrunk - 127).max() < 20


@pytest.mark.parametrize(
    "options", [{"size": 0}, {"size": (8, 8, 8)}, {"mode": "HSV"}, {"fit": "squash"}]
)
def test_illegal_options(options):
    with pytest.raises(RecipeError):
        ImageCodec(**options)


def test_an_unknown_background_is_named():
    with pytest.raises(RecipeError, match="blurple"):
        ImageCodec(size=8, mode="RGB", background="blurple")


# --- reading -------------------------------------------------------------------------------------


def test_folders_are_classes_without_the_part_all_share(tmp_path, codec):
    for name in ("data/cat/1.png", "data/cat/2.jpg", "data/dog/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        picture().save(tmp_path / name)
    reading = codec.read(tmp_path)
    assert codec.captions(reading.items) == ["cat", "cat", "dog"]
    assert len(reading.files) == 3 and not reading.skipped


def test_a_plain_folder_has_no_captions(tmp_path, codec):
    (tmp_path / "pictures").mkdir()
    picture().save(tmp_path / "pictures" / "1.png")
    (tmp_path / "pictures" / "notes.md").write_text("no picture")
    reading = codec.read(tmp_path)
    assert len(reading.items) == 1
    assert codec.captions(reading.items) is None


def test_metadata_with_a_missing_file_a_bad_line_and_an_unlisted_picture(tmp_path, codec):
    for name in ("a.png", "b.png", "c.png"):
        picture().save(tmp_path / name)
    lines = [
        '{"file_name": "a.png", "text": "an  apple"}',
        '{"file_name": "gone.png", "text": "?"}',
        "{broken",
        '{"file_name": "../a.png", "text": "outside"}',
        '{"file_name": "b.png", "text": 7}',
    ]
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines))
    reading = codec.read(tmp_path)
    assert codec.captions(reading.items) == ["an apple", "7"]
    assert set(reading.skipped) == {"gone.png", "metadata.jsonl line 3", "../a.png", "c.png"}
    assert "no such file" in reading.skipped["gone.png"]
    assert tmp_path / "metadata.jsonl" in reading.files


def test_metadata_csv_with_byte_order_mark(tmp_path, codec):
    picture().save(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text('file_name,text\na.png,"red, round"\n', "utf-8-sig")
    assert codec.captions(codec.read(tmp_path).items) == ["red, round"]


def test_metadata_in_another_encoding(tmp_path, codec):
    picture().save(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_bytes("file_name,text\na.png,Käse\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        codec.read(tmp_path)


def test_side_cars_and_a_picture_without_one(tmp_path, codec):
    for name in ("a.png", "b.png"):
        picture().save(tmp_path / name)
    (tmp_path / "a.txt").write_text("a tree\n")
    reading = codec.read(tmp_path)
    assert codec.captions(reading.items) == ["a tree", ""]
    assert any("1 of 2" in note for note in reading.notes)


def test_metadata_in_sub_folders_is_relative_to_its_own(tmp_path, codec):
    for part in ("train", "more"):
        (tmp_path / part).mkdir()
        picture().save(tmp_path / part / "a.png")
        line = json.dumps({"file_name": "a.png", "text": part})
        (tmp_path / part / "metadata.jsonl").write_text(line)
    (tmp_path / "more" / "captions.jsonl").write_text("{}")  # the better known name counts
    reading = codec.read(tmp_path)
    assert codec.captions(reading.items) == ["more", "train"]
    assert not reading.skipped
    assert len(reading.files) == 4


def test_one_picture_is_an_album_too(tmp_path, codec):
    picture().save(tmp_path / "a.png")
    assert len(codec.read(tmp_path / "a.png").items) == 1


@pytest.mark.parametrize("where", ["inside", "beside", "in a folder inside"])
def test_a_zip_with_captions(tmp_path, codec, where):
    captions = json.dumps({"file": "a.png", "caption": "dragon"}) + "\n"
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        folder = "set/" if where == "in a folder inside" else ""
        archive.writestr(f"{folder}a.png", png(picture()))
        if where != "beside":
            archive.writestr(f"{folder}metadata.jsonl", captions)
    if where == "beside":
        (tmp_path / "captions.jsonl").write_text(captions)
    for path in (tmp_path, tmp_path / "set.zip"):
        reading = codec.read(path)
        assert codec.captions(reading.items) == ["dragon"]
        assert tmp_path / "set.zip" in reading.files
        assert np.array_equal(codec.decode(codec.encode(reading.items))[0], picture())


def test_idx_pairs(tmp_path, codec):
    pixels = np.arange(2 * 8 * 8, dtype=np.uint8).reshape(2, 8, 8)
    images = gzip.compress(struct.pack(">HBBIII", 0, 8, 3, 2, 8, 8) + pixels.tobytes())
    labels = gzip.compress(struct.pack(">HBBI", 0, 8, 1, 2) + bytes([7, 1]))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(images)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(labels)
    reading = codec.read(tmp_path)
    grey = ImageCodec(size=8)
    grey.fit(reading.items)
    assert grey.captions(reading.items) == ["7", "1"]
    assert len(reading.files) == 2
    assert grey.spec.channels == 1
    assert np.array_equal(np.stack(grey.decode(grey.encode(reading.items))), pixels)
    for broken in (images[:-9], gzip.compress(gzip.decompress(images)[:-1]), b"", b"\x1f\x8bxx"):
        (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(broken)
        with pytest.raises(DataError):
            codec.read(tmp_path)


def test_broken_pictures_are_left_out_and_named(tmp_path, codec):
    good = png(picture((64, 64)))
    (tmp_path / "good.png").write_bytes(good)
    (tmp_path / "cut.png").write_bytes(good[: len(good) // 2])
    (tmp_path / "flipped.png").write_bytes(good[:60] + bytes([good[60] ^ 255]) + good[61:])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("not a picture")
    jpeg = io.BytesIO()
    picture((64, 64)).save(jpeg, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(jpeg.getvalue()[: len(jpeg.getvalue()) // 2])
    reading = codec.read(tmp_path)
    assert [p.name for p in reading.items] == ["good.png"]
    assert set(reading.skipped) == {"cut.png", "flipped.png", "empty.png", "text.png", "cut.jpg"}
    assert not any(str(tmp_path) in why for why in reading.skipped.values())


def test_a_decompression_bomb_is_left_out(tmp_path, codec):
    picture().save(tmp_path / "good.png")
    for side in (9_200, 20_000):  # above what we decode; above what pillow warns of
        bomb = bytearray(png(Image.new("1", (16, 16))))
        bomb[16:24] = side.to_bytes(4, "big") * 2
        bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
        (tmp_path / f"bomb{side}.png").write_bytes(bytes(bomb))
    reading = codec.read(tmp_path)
    assert set(reading.skipped) == {"bomb9200.png", "bomb20000.png"}


def test_nothing_readable_says_what_was_tried(tmp_path, codec):
    with pytest.raises(DataError, match="empty"):
        codec.read(tmp_path)
    (tmp_path / "a.md").write_text("words")
    with pytest.raises(DataError, match=r"a\.md"):
        codec.read(tmp_path)
    (tmp_path / "b.png").write_text("words")
    with pytest.raises(DataError, match=r"b\.png \(not a picture"):
        codec.read(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        codec.read(tmp_path / "nowhere")
    (tmp_path / "c.zip").write_text("no zip")
    with pytest.raises(DataError, match="zip"):
        codec.read(tmp_path / "c.zip")


def test_a_picture_that_vanishes_before_encoding(tmp_path, codec):
    picture().save(tmp_path / "a.png")
    reading = codec.read(tmp_path)
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match=r"a\.png"):
        codec.encode(reading.items)


def test_no_pictures_to_learn_from(codec):
    with pytest.raises(DataError):
        codec.fit([])


# --- writing -------------------------------------------------------------------------------------


def test_a_png_carries_its_record_and_the_same_bytes(tmp_path, codec):
    record = {"seed": 3, "prompt": "ein Käse \u2603", "parents": ["a"]}
    assert codec.write(picture(), tmp_path / "a.png", record) is True
    assert codec.write(picture(), tmp_path / "b.png", record) is True
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert read_record(tmp_path / "a.png") == record
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.text["DigitalSourceType"].endswith("trainedAlgorithmicMedia")
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["a.png", "b.png"]


def test_without_a_record_nothing_is_embedded(tmp_path, codec):
    assert codec.write(picture(), tmp_path / "a.png") is False
    assert read_record(tmp_path / "a.png") is None


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_other_formats_carry_the_mark_only(tmp_path, codec, suffix):
    path = tmp_path / f"a{suffix}"
    assert codec.write(picture().convert("RGBA"), path, {"seed": 1}) is False
    assert b"trainedAlgorithmicMedia" in path.read_bytes()
    assert read_record(path) is None


def test_an_unknown_suffix(tmp_path, codec):
    with pytest.raises(RequestError, match=r"\.tga"):
        codec.write(picture(), tmp_path / "a.tga", {})


def test_a_damaged_record(tmp_path, codec):
    codec.write(picture(), tmp_path / "a.png", {"seed": 123456})
    content = (tmp_path / "a.png").read_bytes()
    start = content.index(b'{"seed"')
    info = PngInfo()
    info.add_itxt("genloom", "{not json")
    picture().save(tmp_path / "b.png", pnginfo=info)
    with pytest.raises(DataError, match="damaged"):
        read_record(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(content[:start] + b"X" + content[start + 1 :])
    with pytest.raises(DataError):
        read_record(tmp_path / "c.png")
    with pytest.raises(DataError):
        read_record(tmp_path / "missing.png")


def test_the_pixel_hash_reads_pixels_only(tmp_path, codec):
    codec.write(picture(), tmp_path / "a.png", {"seed": 1})
    codec.write(picture(), tmp_path / "b.png", {"seed": 2})
    assert pixel_hash(tmp_path / "a.png") == pixel_hash(tmp_path / "b.png") == pixel_hash(picture())
    changed = picture()
    changed.putpixel((0, 0), tuple(255 - v for v in changed.getpixel((0, 0))))
    assert pixel_hash(changed) != pixel_hash(picture())
    assert pixel_hash(Image.new("L", (2, 8))) != pixel_hash(Image.new("L", (8, 2)))


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    write_picture(picture(), tmp_path / "a.png", None)
    before = (tmp_path / "a.png").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ResourceError, match="No space"):
        write_picture(picture(seed=1), tmp_path / "a.png", None)
    assert (tmp_path / "a.png").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_preview_is_a_sheet_with_labels(tmp_path, codec):
    text = "number {} \u2603 with a caption too long to fit"
    items = [Picture(picture(seed=n), text.format(n)) for n in range(5)]
    with_labels = Picture(codec.preview(items, tmp_path / "a.png")).open()
    bare = Picture(codec.preview([p.source for p in items], tmp_path / "b.png")).open()
    assert with_labels.width == bare.width
    assert with_labels.height > bare.height
    corner = bare.crop((6, 6, 6 + 96, 6 + 96))  # the first cell: 8 pixels enlarged 12 times
    assert np.array_equal(corner.resize((8, 8), Image.Resampling.BOX), items[0].source)
    with pytest.raises(DataError):
        codec.preview([], tmp_path / "c.png")


# --- meaning -------------------------------------------------------------------------------------


def test_save_and_load(tmp_path):
    codec = ImageCodec(size=(8, 12), fit="pad", background="black")
    codec.fit([picture(mode="L")])
    codec.save(tmp_path)
    loaded = ImageCodec.load(tmp_path)
    assert loaded.spec == codec.spec
    items = [picture((20, 9), seed=4)]
    assert torch.equal(loaded.encode(items), codec.encode(items))


def test_what_was_saved_before_there_were_more_options_loads(tmp_path):
    old = {"size": [8, 8], "mode": "RGB", "fit": "pad", "background": "white", "learnt": "RGB"}
    save_json(tmp_path, "image", old)
    loaded = ImageCodec.load(tmp_path)
    assert loaded.spec == ArraySpec(grid=(8, 8), channels=3)
    save_json(tmp_path, "image", {k: v for k, v in old.items() if k != "fit"})
    with pytest.raises(ModelError, match="fit"):
        ImageCodec.load(tmp_path)


def test_a_damaged_codec_file(tmp_path, codec):
    with pytest.raises(ModelError, match="missing"):
        ImageCodec.load(tmp_path)
    codec.save(tmp_path)
    content = (tmp_path / "codec.json").read_text()
    wrong = [content.replace(*pair) for pair in (("crop", "squash"), ('"size"', '"seize"'))]
    for bad in (content[:-5], *wrong):
        (tmp_path / "codec.json").write_text(bad)
        with pytest.raises(ModelError):
            ImageCodec.load(tmp_path)


def test_conditions_are_refused(codec):
    assert codec.condition("a red circle", None).known is None
    with pytest.raises(RequestError, match="columns"):
        codec.condition(None, "age > 60")


def test_features_put_the_same_picture_nearest():
    codec = ImageCodec(size=32, mode="RGB")
    items = [picture((32, 32), seed=n) for n in range(6)]
    features = codec.features(items)
    assert features.shape == (6, 16 * 16 * 3)
    again = codec.features([items[3].resize((64, 64), Image.Resampling.BICUBIC)])
    assert int(torch.cdist(again, features).argmin()) == 3


def test_compare_ranks_damage_and_is_deterministic():
    rng = np.random.default_rng(0)

    def blobs(count, noise):
        centres = rng.uniform(8, 24, (count, 2))
        grid = np.indices((32, 32))
        for row, column in centres:
            far = (grid[0] - row) ** 2 + (grid[1] - column) ** 2
            pixels = 255 * np.exp(-far / 30) + noise * rng.normal(size=(32, 32))
            yield Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))

    codec = ImageCodec(size=32, mode="L")
    real, same, noisy, worse = (list(blobs(80, n)) for n in (0, 0, 40, 160))
    scores = [codec.compare(real, made) for made in (same, noisy, worse)]
    assert next(iter(scores[0])) == "frechet_distance"
    for key in ("frechet_distance", "kernel_distance"):
        assert scores[0][key] < scores[1][key] < scores[2][key]
    assert scores[2]["precision_error"] == 1.0
    assert codec.compare(real, noisy) == scores[1]
    with pytest.raises(DataError, match="needed"):
        codec.compare(real, same[:3])


def test_reading_does_not_print_warnings(tmp_path, codec):
    picture().save(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codec.read(tmp_path)
