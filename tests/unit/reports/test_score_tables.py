from lungdet.reports.score_tables import columns_to_csv, froc_to_text

CONTENT = {
    "protocol": "luna16", "rule": "the rule", "unit": "scan", "notes": ["mind this"], "scans": 2, "nodules": 3,
    "marks": 9, "true_positives": 2, "false_negatives": 1, "false_positives": 4, "double_hits": 1, "on_excluded": 2,
    "fp_rates": [0.125, 8.0], "sensitivities": [0.25, None], "cpm": None, "strata": [], "intervals": None,
}  # fmt: skip


def test_a_table_by_hand() -> None:
    lines = froc_to_text(CONTENT).splitlines()
    assert lines[0] == "luna16: the rule"
    assert lines[1] == "2 scans, 3 nodules, 9 marks: TP 2, FN 1, FP 4, 1 double hits, 2 on excluded findings"
    assert lines[2] == "note: mind this"
    assert lines[4].split() == ["FP/scan", "0.125", "8", "mean", "(CPM)"]
    assert lines[5].split() == ["sensitivity", "0.2500", "-", "-"]
    assert len(lines) == 6


def test_intervals_and_strata_have_rows() -> None:
    intervals = {"confidence": 0.9, "sensitivities": [[0.1, 0.4], [0.2, 0.5]], "cpm": [0.15, 0.45]}
    stratum = {"kind": "size", "label": "< 6 mm", "nodules": 3, "sensitivities": [0.5, 1.0], "cpm": 0.75}
    lines = froc_to_text({**CONTENT, "intervals": intervals, "strata": [stratum]}).splitlines()
    assert lines[6].split() == ["90", "%", "CI,", "low", "0.1000", "0.2000", "0.1500"]
    assert lines[7].split() == ["90", "%", "CI,", "high", "0.4000", "0.5000", "0.4500"]
    assert lines[8].split() == ["size", "<", "6", "mm", "(3)", "0.5000", "1.0000", "0.7500"]
    assert "false positives of all" in lines[9]
    assert len({len(line) for line in lines[4:9]}) == 1


def test_numbers_keep_their_digits() -> None:
    third = 1 / 3
    (_, row) = columns_to_csv({"a": [third], "b": [2]}).decode().splitlines()
    assert float(row.split(",")[0]) == third
    assert columns_to_csv({"a": []}) == b"a\n"
