import pytest

from lungdet.engines import ScanSampler


@pytest.mark.parametrize("scans", [3, 4, 10, 11])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_scan_goes_to_one_process_in_order(scans: int, processes: int):
    samplers = [ScanSampler(range(scans), processes, rank) for rank in range(processes)]
    assert [scan for sampler in samplers for scan in sampler] == list(range(scans))
    lengths = [len(sampler) for sampler in samplers]
    assert max(lengths) - min(lengths) <= 1


def test_one_process_has_all():
    assert list(ScanSampler(range(3))) == [0, 1, 2]


def test_a_process_without_a_scan_is_refused():
    with pytest.raises(ValueError, match="1 scans for 2 processes"):
        ScanSampler(range(1), 2, 0)
