from monai.bundle import ConfigParser

from lungdet.detection import SequenceCriterion, decode_sequence
from lungdet.networks.blocks import SequenceHead
from lungdet.workflows import bundle_root


def test_one_more_config_gives_the_detector_of_2017() -> None:
    folder = bundle_root("nodule_detector") / "configs"
    parser = ConfigParser()
    parser.read_config([str(folder / name) for name in ("common.yaml", "train.yaml", "sequence_head.yaml")])
    parser["device"] = "cpu"
    assert isinstance(parser.get_parsed_content("network").head, SequenceHead)
    assert isinstance(parser.get_parsed_content("loss"), SequenceCriterion)
    for name in ("postprocessing", "scored_postprocessing"):
        assert parser.get_parsed_content(name).transforms[0].decode is decode_sequence
