import pytest

from lungdet.metrics import size_labels


def test_an_edge_belongs_to_the_group_above() -> None:
    assert size_labels([3, 5.999, 6, 9.99, 10, 30], (6, 10)) == (
        "< 6 mm", "< 6 mm", "6-10 mm", "6-10 mm", ">= 10 mm", ">= 10 mm",
    )  # fmt: skip
    assert size_labels([], (6,)) == ()
    assert size_labels([4], (4.5,)) == ("< 4.5 mm",)


@pytest.mark.parametrize("edges", [(), (10, 6), (6, 6)])
def test_edges_must_rise(edges: tuple) -> None:
    with pytest.raises(ValueError, match="rise"):
        size_labels([5.0], edges)
