"""What bytes are, by their first bytes: nothing that a client says of a file is believed.

Knows beginnings of formats; opens nothing and decodes nothing.
"""

from __future__ import annotations

# (offset, beginning, media type); the first that fits counts
BEGINNINGS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (4, b"ftypavif", "image/avif"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"glTF", "model/gltf-binary"),
)
RIFF = {"image/webp", "audio/wav"}  # their containers begin so
TEXTS = ("text/plain", "text/csv", "application/json")


def sniffed(data: bytes) -> str | None:
    """The media type; None for what is not known, text among it."""
    for offset, beginning, media in BEGINNINGS:
        if data[offset : offset + len(beginning)] == beginning and (
            media not in RIFF or data[:4] == b"RIFF"
        ):
            return media
    return None
