"""What the real sessions tell: drivers, stations, sites and fleets, read from the data file. Pure of the database."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evbilling.kernel.clock import Period, parse_month

DATA_FILE = Path(__file__).parent / "data" / "workplace-charging" / "station_data_dataverse.csv"
YEAR_OFFSET = 2000
"""The file writes 0014 for 2014."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver: where most of his sessions are, where all of them are, and whether a manager's vehicle is driven."""

    ref: str
    home_facility: str
    facilities: tuple[str, ...]
    drives_manager_vehicle: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """The file by driver, site and month; every order is by reference, so that two builds are alike."""

    headings: Sequence[str]
    rows_by_month: Mapping[str, Sequence[Mapping[str, str]]]
    drivers: Sequence[Driver]
    stations_by_site: Mapping[str, Sequence[str]]
    facility_of_site: Mapping[str, str]

    @property
    def months(self) -> list[Period]:
        """The months in which sessions end, in order."""
        return [parse_month(code) for code in sorted(self.rows_by_month)]

    def file_of(self, month: Period) -> bytes:
        """The lines of one month as a file of their own, as a station network would send them."""
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.headings), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows_by_month[month.code])
        return text.getvalue().encode()


def read_sample(path: Path = DATA_FILE) -> Sample:
    """Read the data file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        headings = list(reader.fieldnames or ())
    by_month: dict[str, list[dict[str, str]]] = defaultdict(list)
    visits: dict[str, Counter[str]] = defaultdict(Counter)
    managers: set[str] = set()
    stations: dict[str, set[str]] = defaultdict(set)
    facility: dict[str, str] = {}
    for row in rows:
        year, month = row["ended"].split("-")[:2]
        by_month[f"{int(year) + YEAR_OFFSET}-{month}"].append(row)
        visits[row["userId"]][row["facilityType"]] += 1
        if row["managerVehicle"] == "1":
            managers.add(row["userId"])
        stations[row["locationId"]].add(row["stationId"])
        facility[row["locationId"]] = row["facilityType"]
    drivers = [
        Driver(
            ref=ref,
            home_facility=max(sorted(seen), key=lambda each: seen[each]),
            facilities=tuple(sorted(seen)),
            drives_manager_vehicle=ref in managers,
        )
        for ref, seen in sorted(visits.items(), key=lambda item: int(item[0]))
    ]
    return Sample(
        headings=headings,
        rows_by_month=dict(by_month),
        drivers=drivers,
        stations_by_site={site: sorted(refs, key=int) for site, refs in sorted(stations.items())},
        facility_of_site=facility,
    )
