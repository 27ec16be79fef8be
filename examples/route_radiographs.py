"""From a folder of pictures to labels, to sorted copies, and to a page that shows where header and picture disagree.

The pictures are six of MedNIST (see ``examples/pictures/README.md``), as they are and as DICOM with true and false
headers, and three that must get no answer: a synthetic knee, a scene that is no medical picture, and a broken file::

    python examples/route_radiographs.py --output out/radiographs
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from lungdet.cli import main as lungdet
from lungdet.phantoms import make_radiograph, write_radiograph_dicom

HERE = Path(__file__).resolve().parent
# picture, header, photometric interpretation: the last two headers are wrong, as many in an archive are
AS_DICOM = (
    ("CXR", "CHEST", "MONOCHROME1"),
    ("Hand", "HAND", "MONOCHROME2"),
    ("HeadCT", "ABDOMEN", "MONOCHROME2"),
    ("Hand", "CHEST", "MONOCHROME1"),
)


def fill_inbox(inbox: Path) -> None:
    """Write the pictures as a hospital might send them."""
    inbox.mkdir(parents=True, exist_ok=True)
    for picture in sorted((HERE / "pictures").glob("*.jpeg")):
        shutil.copy(picture, inbox)
    for number, (name, header, photometric) in enumerate(AS_DICOM):
        (picture,) = (HERE / "pictures").glob(f"{name}_*.jpeg")
        pixels = np.asarray(Image.open(picture), dtype=np.float32) / 255
        path = inbox / f"{name}_{photometric}_header_{header}.dcm"
        write_radiograph_dicom(pixels, path, photometric=photometric, body_part=header, seed=number)
    write_radiograph_dicom(make_radiograph(1, "knee"), inbox / "knee_phantom.dcm", body_part="KNEE", seed=99)
    Image.fromarray((make_radiograph(1, "scene") * 255).astype(np.uint8)).save(inbox / "no_radiograph.png")
    whole = (inbox / "knee_phantom.dcm").read_bytes()
    (inbox / "broken.dcm").write_bytes(whole[: len(whole) // 3])


def label_and_route(output: Path) -> Path:
    """Label and route the pictures.

    Returns:
        The page.
    """
    inbox = output / "inbox"
    fill_inbox(inbox)
    print("   broken.dcm is cut off on purpose: each command names it as an error and goes on with the rest")
    print(f"$ lungdet label {inbox}", flush=True)
    lungdet(["label", str(inbox), "--csv", str(output / "labels.csv")])
    rules, destination = HERE / "rules.yaml", output / "sorted"
    print(f"$ lungdet route {inbox} --rules examples/rules.yaml --to {destination}", flush=True)
    lungdet(["route", str(inbox), "--rules", str(rules), "--to", str(destination)])
    return destination / "route.html"


def main() -> None:
    """Run the example and say where the page is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("out/radiographs"), help="folder for the results")
    page = label_and_route(parser.parse_args().output)
    print(f"Open the page: {page.resolve()}")


if __name__ == "__main__":
    main()
