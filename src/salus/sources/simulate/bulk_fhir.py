"""The simulated visits as FHIR R4 bulk data: Organization, Patient, Encounter and Condition, one resource a line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from salus.sources.simulate.encounters import World

ICD10 = "http://hl7.org/fhir/sid/icd-10"
SNOMED = "http://snomed.info/sct"
RESOURCES = ("Organization", "Patient", "Encounter", "Condition")
"""Kinds of resource, a file each."""

_CLASS = {"outpatient": "AMB", "emergency": "EMER", "inpatient": "IMP", "virtual": "VR"}
_HL7 = "http://terminology.hl7.org/CodeSystem/"
_META = {
    "lastUpdated": "@reported_date@T18:00:00+08:00",
    "tag": [
        {"system": "urn:salus:data-origin", "code": "simulated", "display": "simulated: no real person"},
        {"system": _HL7 + "v3-ActReason", "code": "HTEST", "display": "test health data"},
    ],
}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


# resources; @column@ stands for the value of that column of the line list
_ORGANIZATION = {
    "resourceType": "Organization",
    "id": "@facility@",
    "meta": _META,
    "active": True,
    "name": "Simulated clinic @facility@",
}
_PATIENT = {
    "resourceType": "Patient",
    "id": "@person_id@",
    "meta": _META,
    "identifier": [{"system": "urn:salus:simulated-national-id", "value": "@national_id@"}],
    "name": [{"text": "@name@"}],
    "telecom": [{"system": "phone", "value": "@phone@", "use": "mobile"}],
    "gender": "@sex@",
    "birthDate": "@birth_date@",
    "address": [{"text": "@address@", "district": "@district@", "state": "SIM"}],
}
_ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "@encounter_id@",
    "meta": _META,
    "status": "finished",
    "class": {"system": _HL7 + "v3-ActCode", "code": "@encounter_class@"},
    "subject": {"reference": "Patient/@person_id@"},
    "period": {"start": "@visit_date@", "end": "@visit_date@"},
    "serviceProvider": {"reference": "Organization/@facility@"},
}
_CONDITION = {
    "resourceType": "Condition",
    "id": "@encounter_id@-C1",
    "meta": _META,
    "clinicalStatus": _concept(_HL7 + "condition-clinical", "active"),
    "verificationStatus": _concept(_HL7 + "condition-ver-status", "confirmed"),
    "category": [_concept(_HL7 + "condition-category", "encounter-diagnosis")],
    "code": _concept("@code_system@", "@code@"),
    "subject": {"reference": "Patient/@person_id@"},
    "encounter": {"reference": "Encounter/@encounter_id@"},
    "onsetDateTime": "@visit_date@",
    "recordedDate": "@reported_date@",
}


class BulkFhir:
    """Writes ``fhir_simulated/*.ndjson``.

    Parameters
    ----------
    folder : Path
        Folder of the simulation.
    world : World
        Register and facilities.
    """

    def __init__(self, folder: Path, world: World) -> None:
        inside = folder / "fhir_simulated"
        inside.mkdir()
        self._seen = np.zeros(world.people.size, dtype=bool)
        self._paths = [inside / f"{kind}.ndjson" for kind in RESOURCES]
        codes = world.facility_bounds()[1]
        facilities = pl.DataFrame({"facility": codes, "reported_date": [world.days[0].item()] * len(codes)})
        with self._paths[0].open("wb") as handle:
            _write(facilities, _ORGANIZATION, handle)
        self._patients, self._encounters, self._conditions = (p.open("wb") for p in self._paths[1:])

    def write(self, rows: pl.DataFrame, person: np.ndarray) -> None:
        """Add the visits, and the people who come for the first time.

        Parameters
        ----------
        rows : polars.DataFrame
            Rows of the line list.
        person : numpy.ndarray of int
            Number of the person of each row.
        """
        numbers, first = np.unique(person, return_index=True)
        new = np.sort(first[~self._seen[numbers]])
        self._seen[numbers] = True
        ready = rows.with_columns(
            pl.col("encounter_class").replace_strict(_CLASS, return_dtype=pl.String),
            pl.col("code_system").replace_strict({"icd10": ICD10, "snomed": SNOMED}, return_dtype=pl.String),
        )
        _write(ready[new], _PATIENT, self._patients)
        _write(ready, _ENCOUNTER, self._encounters)
        _write(ready, _CONDITION, self._conditions)

    def close(self) -> list[Path]:
        """Close the files.

        Returns
        -------
        list of Path
            Organization, Patient, Encounter, Condition.
        """
        for handle in (self._patients, self._encounters, self._conditions):
            handle.close()
        return self._paths


def _write(rows: pl.DataFrame, resource: dict[str, Any], handle: IO[bytes]) -> None:
    """Write a line of JSON for each row; the simulated texts hold nothing that JSON would have to escape."""
    parts = re.split("@([a-z_]+)@", json.dumps(resource, ensure_ascii=False, separators=(",", ":")))
    texts = [pl.col(p).cast(pl.String) if k % 2 else pl.lit(p) for k, p in enumerate(parts)]
    rows.select(pl.concat_str(texts)).write_csv(handle, include_header=False, quote_style="never")
