"""The data file is the one that was published, and is read as it is."""

from collections import Counter

from evbilling.demo.sample import read_sample


def test_the_file_holds_what_its_authors_describe() -> None:
    sample = read_sample()
    assert sum(len(rows) for rows in sample.rows_by_month.values()) == 3395
    assert len(sample.drivers) == 85
    assert len(sample.stations_by_site) == 25
    assert sum(len(stations) for stations in sample.stations_by_site.values()) == 105
    assert [sample.months[0].code, sample.months[-1].code, len(sample.months)] == ["2014-11", "2015-10", 12]


def test_sixteen_drivers_charge_at_several_fleets_sites() -> None:
    counted = Counter(len(driver.facilities) > 1 for driver in read_sample().drivers)
    assert counted == {True: 16, False: 69}


def test_a_months_file_holds_that_months_lines_under_the_same_headings() -> None:
    sample = read_sample()
    lines = sample.file_of(sample.months[0]).decode().splitlines()
    assert lines[0].startswith("sessionId,kwhTotal,dollars,created,ended")
    assert len(lines) == 1 + 9
