"""Bundles are found, opened and loaded, or it is said why not."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch

from lungdet.workflows import BundleError, bundle_names, bundle_root, open_bundle
from lungdet.workflows import bundle as bundle_module
from lungdet.workflows.bundle import load_weights


def test_the_shipped_bundle_is_found_by_name(repository: Path):
    assert "nodule_detector" in bundle_names()
    assert bundle_root("nodule_detector") == repository / "bundles" / "nodule_detector"


def test_the_installed_package_comes_first(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bundle_module, "PACKAGE", tmp_path)
    assert bundle_names() == ["tiny"]
    assert bundle_root("tiny") == tiny_bundle


def test_any_folder_is_a_bundle_if_it_has_metadata(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert bundle_root(tiny_bundle) == tiny_bundle
    monkeypatch.chdir(tiny_bundle.parent)
    assert bundle_root("tiny") == tiny_bundle
    assert bundle_root("./tiny") == tiny_bundle


@pytest.mark.parametrize("name", ["no_such", "../nodule_detector", "", ".", "/"])
def test_what_is_no_bundle_is_refused_with_a_list(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match="nodule_detector"):
        bundle_root(name)


def test_no_shipped_bundle_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bundle_module, "PACKAGE", tmp_path / "package")
    with pytest.raises(BundleError, match="shipped with this package: none"):
        bundle_root("x")


def test_overrides_reach_the_objects(tiny_bundle: Path):
    parser = open_bundle(tiny_bundle, {"min_score": 0.5, "series": "1.2"})
    item = parser.get_parsed_content("postprocessing")({})
    assert item["pred_score"].tolist() == pytest.approx([0.8])
    assert parser.get_parsed_content("preprocessing").transforms[0].load.options["series"] == "1.2"
    assert parser.get_parsed_content("checkpoint") == str(tiny_bundle / "models" / "model.pt")


@pytest.mark.parametrize("text", ["$1+1", "@min_score", "%min_score", "a#b", "$__import__('os').mkdir('evil')"])
def test_what_is_given_is_no_program(tiny_bundle: Path, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    tiny_bundle.rename(tmp_path / text)
    parser = open_bundle(Path(text), {"series": text})
    assert parser.get_parsed_content("series") == text
    assert parser.get_parsed_content("preprocessing").transforms[0].load.options["series"] == text
    assert parser.get_parsed_content("checkpoint") == f"{text}/models/model.pt"
    assert not (tmp_path / "evil").exists()


def test_an_unknown_setting_is_refused(tiny_bundle: Path):
    with pytest.raises(BundleError, match=r"min_skore: no such setting; there are .*min_score"):
        open_bundle(tiny_bundle, {"min_skore": 0.5})


def test_a_bundle_without_inference_is_refused(tiny_bundle: Path):
    (tiny_bundle / "configs" / "inference.yaml").unlink()
    with pytest.raises(BundleError, match=r"inference.yaml; it cannot run inference"):
        open_bundle(tiny_bundle)


@pytest.mark.parametrize("wrap", [False, True])
def test_weights_are_loaded_and_hashed(tmp_path: Path, wrap: bool):
    saved, loaded = torch.nn.Linear(2, 3), torch.nn.Linear(2, 3)
    torch.save({"model": saved.state_dict()} if wrap else saved.state_dict(), tmp_path / "model.pt")
    digest = load_weights(loaded, tmp_path / "model.pt", "cpu")
    assert digest == hashlib.sha256((tmp_path / "model.pt").read_bytes()).hexdigest()
    assert torch.equal(loaded.weight, saved.weight)


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (Path("evil"),)


def test_bad_weights_are_refused_and_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    path, network = tmp_path / "model.pt", torch.nn.Linear(2, 3)
    with pytest.raises(BundleError, match="no weights there"):
        load_weights(network, path, "cpu")
    for content in (b"", b"nonsense", pickle.dumps(Evil()), json.dumps({}).encode()):
        path.write_bytes(content)
        with pytest.raises(BundleError, match="no weights of Linear"):
            load_weights(network, path, "cpu")
    torch.save({"model": Evil()}, path)
    with pytest.raises(BundleError, match="no weights of Linear"):
        load_weights(network, path, "cpu")
    torch.save(torch.nn.Linear(4, 4).state_dict(), path)
    with pytest.raises(BundleError, match="size mismatch"):
        load_weights(network, path, "cpu")
    assert not (tmp_path / "evil").exists()
