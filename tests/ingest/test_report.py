"""The report."""

import json

from mongodriver.ingest.report import IngestReport


def filled() -> IngestReport:
    report = IngestReport(
        files=2, records=1010, documents=1000, rejected=10, bytes=5_000_000, seconds=2.0
    )
    for number in range(9):
        report.add_error(11000, f"a.csv:{number}", "duplicate")
    report.add_error("parse", "b.csv:1", "x" * 1000)
    return report


def test_render():
    lines = filled().render().splitlines()
    assert lines[0] == "1,000 documents from 2 files (5.0 MB) in 2.00 s: 500 docs/s, 2.5 MB/s"
    assert lines[1:8] == [
        "10 records rejected",
        "  error 11000: 9 times",
        "    a.csv:0: duplicate",
        "    a.csv:1: duplicate",
        "    a.csv:2: duplicate",
        "    and 6 more",
        "  error parse: 1 time",
    ]
    assert len(lines[8]) < 250


def test_render_nothing():
    report = IngestReport(files=1, resent=1)
    assert report.ok
    assert report.render().splitlines() == [
        "0 documents from 1 file (0.0 MB) in 0.00 s: 0 docs/s, 0.0 MB/s",
        "1 time sent again after a server failure",
    ]


def test_to_dict_is_json():
    plain = json.loads(json.dumps(filled().to_dict()))
    assert plain["documents"] == 1000
    assert plain["documents_per_second"] == 500.0
    assert plain["errors"]["11000"]["count"] == 9
    assert plain["errors"]["11000"]["examples"][0] == "a.csv:0: duplicate"


def test_a_report_comes_back_from_its_dict():
    report = filled()
    report.interrupted = True
    again = IngestReport.from_dict(json.loads(json.dumps(report.to_dict())))
    assert again == report
    assert IngestReport.from_dict({"records": 5, "of a later version": 1}).records == 5


def test_a_report_is_bounded():
    report = IngestReport()
    for code in range(1000):
        report.add_error(code, "a.csv:1", "x" * 10_000)
    assert sum(entry.count for entry in report.errors.values()) == 1000
    assert len(json.dumps(report.to_dict())) < 20_000
