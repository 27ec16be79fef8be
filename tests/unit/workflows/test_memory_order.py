from monai.bundle import ConfigParser

from lungdet.networks.blocks import to_channels_last
from lungdet.workflows import bundle_root


def test_a_validation_does_not_change_the_memory_order_of_the_weights() -> None:
    parser = ConfigParser()
    parser.read_config(str(bundle_root("nodule_detector") / "configs" / "common.yaml"))
    parser["device"], parser["network_def"]["second_look"] = "cpu", True
    network = parser.get_parsed_content("network")
    before = [weight.stride() for weight in network.parameters()]
    assert [weight.stride() for weight in to_channels_last(network).parameters()] == before
    assert any(weight.ndim == 5 for weight in network.parameters())
