import json
from pathlib import Path

import pytest
import torch
from torch import nn

from lungdet.engines import BundleWriter
from lungdet.engines.write_bundle import with_settings
from lungdet.networks.nets import radiograph_network
from lungdet.records import BodyPartClass, ClassList
from lungdet.routing import load_class_list
from lungdet.workflows import bundle_root, open_bundle

SCHEMA = "tests/house/bundle_metadata.schema.json"
OWN = ClassList("own", (BodyPartClass("foot"), BodyPartClass("hand"), BodyPartClass("knee")), multi_label=True)


def write(folder: Path, classes: ClassList, class_list: str) -> Path:
    torch.save(radiograph_network("mobilenet_v1", len(classes)).state_dict(), folder / "model.pt")
    writer = BundleWriter(
        bundle_root("body_part_router"),
        folder / "bundle",
        folder / "model.pt",
        folder / "router.json",
        classes,
        class_list,
        {"network_name": "mobilenet_v1", "image_size": 96},
        "our archive",
    )
    writer(None)  # type: ignore[arg-type]
    return folder / "bundle"


def test_the_new_bundle_opens_with_its_own_settings(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("name: own\nmulti_label: true\nclasses: [foot, hand, knee]\n")
    folder = write(tmp_path, OWN, str(own))
    own.unlink()
    parser = open_bundle(folder)
    assert parser.get_parsed_content("classes") == OWN
    assert parser.get_parsed_content("image_size") == 96
    network: nn.Module = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(folder / "models" / "model.pt", weights_only=True))
    metadata = json.loads((folder / "configs" / "metadata.json").read_text())
    pred = metadata["network_data_format"]["outputs"]["pred"]
    assert pred["channel_def"] == {"0": "foot", "1": "hand", "2": "knee"}
    assert pred["num_channels"] == 3
    assert metadata["data_source"] == "our archive"
    assert metadata["eval_metrics"] == {}


def test_it_tells_of_its_own_network_and_of_no_other(tmp_path: Path) -> None:
    folder = write(tmp_path, load_class_list("vindr5"), "vindr5")
    metadata = json.loads((folder / "configs" / "metadata.json").read_text())
    assert metadata["description"].startswith("mobilenet_v1 looks at a whole picture, shrunk to 96 x 96 pixels")
    assert "5 classes of vindr5" in metadata["task"]
    assert metadata["network_data_format"]["inputs"]["image"]["spatial_shape"] == [96, 96]
    pages = {name: (folder / "docs" / name).read_text() for name in ("README.md", "data_license.txt")}
    assert all("our archive" in page for page in pages.values())
    assert "`mobilenet_v1`, on pictures shrunk to 96 x 96 pixels" in pages["README.md"]
    for text in (json.dumps(metadata), *pages.values()):
        assert "DenseNet" not in text
        assert "Densely" not in text
        assert "MedNIST" not in text


def test_its_metadata_fits_the_schema(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    folder = write(tmp_path, load_class_list("vindr5"), "vindr5")
    schema = json.loads((bundle_root("body_part_router").parents[1] / SCHEMA).read_text())
    jsonschema.validate(json.loads((folder / "configs" / "metadata.json").read_text()), schema)


def test_a_list_that_ships_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, load_class_list("vindr5"), "vindr5")
    assert 'class_list: "vindr5"' in (folder / "configs" / "common.yaml").read_text()
    assert len(open_bundle(folder).get_parsed_content("classes")) == 5


def test_an_older_bundle_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "bundle" / "configs").mkdir(parents=True)
    (tmp_path / "bundle" / "configs" / "class_list.csv").write_text("name\n")
    folder = write(tmp_path, load_class_list("vindr5"), "vindr5")
    assert not (folder / "configs" / "class_list.csv").exists()


@pytest.mark.parametrize("common", ["b: 1\n", "a: 1\na: 2\n", "  a: 1\n"])
def test_a_setting_needs_one_line_of_its_own(common: str) -> None:
    with pytest.raises(ValueError, match="one line with a:"):
        with_settings(common, {"a": 3})
