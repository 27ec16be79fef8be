import pytest

from lungdet.metrics import DEEPLESION, LUNA16, PROTOCOLS, SIMPLIFIED, ScoringProtocol, find_protocol


def test_protocols_are_found_by_name() -> None:
    assert [find_protocol(name) for name in ("luna16", "simplified", "deeplesion")] == [LUNA16, SIMPLIFIED, DEEPLESION]
    assert find_protocol(LUNA16) is LUNA16
    assert list(PROTOCOLS) == ["luna16", "simplified", "deeplesion"]
    with pytest.raises(ValueError, match="one of luna16, simplified, deeplesion, got 'luna'"):
        find_protocol("luna")


def test_rules_say_what_differs() -> None:
    assert "excluded findings ignored" in LUNA16.rule
    assert "at most 100 marks a scan" in LUNA16.rule
    assert "no exclusion list" in SIMPLIFIED.rule
    assert "nearest" in SIMPLIFIED.rule
    assert DEEPLESION.rule.startswith("IoU of at least 0.5, all marks")


def test_a_changed_protocol_has_another_name() -> None:
    changed = LUNA16.changed(fp_rates=[1, 4], hit="iou", min_iou=0.3)
    assert changed.name == "luna16 (fp_rates=(1.0, 4.0), hit=iou, min_iou=0.3)"
    assert (changed.fp_rates, changed.hit, changed.min_iou, changed.max_marks) == ((1.0, 4.0), "iou", 0.3, 100)
    assert LUNA16.changed() is LUNA16
    assert LUNA16.changed(fp_rates=LUNA16.fp_rates, max_marks=100, hit="distance") is LUNA16


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reading": "average"}, "reading must be"),
        ({"hit": "luck"}, "hit must be"),
        ({"min_iou": 0.0}, "min_iou"),
        ({"min_iou": 1.5}, "min_iou"),
        ({"max_marks": 0}, "max_marks must be at least 1"),
        ({"fp_rates": ()}, "fp_rates"),
        ({"fp_rates": (0.0, 1.0)}, "fp_rates"),
        ({"fp_rates": (float("inf"),)}, "fp_rates"),
    ],
)
def test_senseless_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScoringProtocol("mine", **settings)
