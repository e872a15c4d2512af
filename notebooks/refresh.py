"""Make the notebooks from their texts: execute them and keep small outputs.

    python notebooks/refresh.py [NAME]...

The texts (`*.py`) are what is edited; `jupytext` turns them into notebooks. Live progress is left out of the outputs,
and pictures are kept small, so that the repository stays small.
"""

import base64
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).parent
WIDTH, COLOURS = 560, 96  # of pictures that are kept
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
PAIRING = {"formats": "ipynb,py:percent"}


def from_text(path: Path) -> nbformat.NotebookNode:
    """The notebook of a text, without outputs."""
    notebook = jupytext.read(path, fmt="py:percent")
    notebook.metadata = {"jupytext": PAIRING, "kernelspec": KERNEL}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # the same each time
        cell.metadata = {}
    return notebook


def execute(notebook: nbformat.NotebookNode, folder: str | os.PathLike, seconds: int = 600) -> None:
    """Run all cells in a folder. An error says which cell failed, and shows it."""
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=seconds, kernel_name="python3", resources=resources).execute()


def shrink(notebook: nbformat.NotebookNode) -> None:
    """Leave out what need not be kept, and make pictures small."""
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _kept(output)]
            for output in cell.outputs:
                data = output.get("data", {})
                if "image/png" in data:
                    data["image/png"] = small(data["image/png"])
                if "text/html" in data:
                    data["text/html"] = re.sub(r"(?<=base64,)[^\"]+", lambda found: small(found[0]), data["text/html"])


def _kept(output) -> bool:
    progress = "<progress" in output.get("data", {}).get("text/html", "")
    return not progress and output.get("name") != "stderr"


def small(picture: str) -> str:
    """A picture in few colours, and not wider than a page of text."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    if image.width > WIDTH:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def main(names: list[str]) -> None:
    for path in [HERE / f"{Path(name).stem}.py" for name in names] or sorted(HERE.glob("[0-9]*.py")):
        notebook = from_text(path)
        with tempfile.TemporaryDirectory() as folder:
            execute(notebook, folder)
        shrink(notebook)
        nbformat.write(notebook, path.with_suffix(".ipynb"))
        print(f"{path.stem}: {path.with_suffix('.ipynb').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
