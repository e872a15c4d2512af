"""Pictures into movie files: GIF with Pillow, MP4 with ffmpeg."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from amr.errors import InvalidSettingError

COLOURS = 256
SHORTEST = 20  # milliseconds: browsers take less for a mistake, and show such pictures for 100
ALMOST_WHITE = 244  # Pillow looks colours up with six bits a channel, and takes such a grey for white
LOOKED_AT = 5  # pictures, from the first to the last, that choose the colours of a GIF


def encoder(path: Path) -> Callable[[Path, Any, Any], None]:
    """The function `encode(path, frames, fps)` for a file's name.

    Raises `InvalidSettingError` for other names than `*.gif` and `*.mp4`, `ImportError` where ffmpeg is missing.
    """
    kinds = {".gif": write_gif, ".mp4": write_mp4}
    if path.suffix.lower() not in kinds:
        raise InvalidSettingError("path", f"expected a movie's name in .gif or .mp4, got {str(path)!r}")
    if path.suffix.lower() == ".mp4":
        ffmpeg()  # before any work is done
    return kinds[path.suffix.lower()]


def write_gif(path: Path, frames: Any, fps: Any) -> None:
    """Write frames, a sequence of arrays of shape `(rows, columns, 3)`, as an endless GIF.

    One palette serves all of them, or colours would flicker. GIF counts time in hundredths of a second.
    """
    palette = _palette(frames)

    def pictures() -> Iterator[Image.Image]:
        for frame in frames:
            yield Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)

    made = pictures()
    first = next(made)
    duration = max(10 * round(100 / fps), SHORTEST)
    first.save(path, format="GIF", save_all=True, append_images=made, duration=duration, loop=0, optimize=False)


def _palette(frames: Any) -> Image.Image:
    """The colours of a few frames, side by side, with the paper as white as it is."""
    numbers = sorted({round(n) for n in np.linspace(0, len(frames) - 1, LOOKED_AT)})
    together = np.concatenate([frames[number] for number in numbers], axis=1)
    image = Image.fromarray(together).quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
    colours = np.array(image.getpalette()).reshape(-1, 3)
    colours[(colours >= ALMOST_WHITE).all(1)] = 255
    image.putpalette(colours.ravel().tolist())
    return image


def write_mp4(path: Path, frames: Any, fps: Any) -> None:
    """Write frames, arrays of shape `(rows, columns, 3)` with even sides, as H.264 that all browsers show."""
    rows, columns, _ = frames.shape
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{columns}x{rows}", "-r", str(fps), "-i", "-"]
    target = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "18", "-movflags", "+faststart", "-f", "mp4", str(path)]
    command = [ffmpeg(), "-y", "-loglevel", "error", *source, *target]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            for frame in frames:
                process.stdin.write(frame.tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg gave up, and tells why
        complaint = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise OSError(f"ffmpeg failed: {complaint}")


def ffmpeg() -> str:
    """The path of ffmpeg: imageio-ffmpeg's, or the system's. Raises `ImportError` if there is none."""
    try:
        import imageio_ffmpeg
    except ImportError:
        found = shutil.which("ffmpeg")
        if found is None:
            advice = "pip install 'amrax[movie]', install ffmpeg, or write a .gif"
            raise ImportError(f"an .mp4 needs ffmpeg: {advice}") from None
        return found
    return imageio_ffmpeg.get_ffmpeg_exe()
