"""The JSON Schemas of the answers, kept beside the PowerShell module whose answers are checked against them."""

import json
from pathlib import Path

import jsonschema
import pytest

from borg_cluster import bridge
from tests.golden import golden

SCHEMAS = Path(__file__).parents[2] / "powershell" / "BorgCluster" / "schemas"


@pytest.mark.parametrize("command", bridge.ANSWERS)
def test_schema_is_made_from_the_answers_class(command: str) -> None:
    golden.check(str(SCHEMAS / f"{command}.json"), json.dumps(bridge.schemas()[command], indent=2) + "\n")


def test_every_schema_file_belongs_to_a_command() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(bridge.ANSWERS)


@pytest.mark.parametrize("command", bridge.ANSWERS)
def test_schema_takes_nothing_unnamed(command: str) -> None:
    schema = bridge.schemas()[command]
    jsonschema.Draft202012Validator.check_schema(schema)
    for part in (schema, *schema.get("$defs", {}).values()):
        assert part["additionalProperties"] is False
        assert set(part["required"]) == set(part["properties"])


@pytest.mark.parametrize("file", sorted((golden.FOLDER / "reports").glob("*.json")), ids=lambda path: path.stem)
def test_golden_reports_are_as_their_schemas_say(file: Path) -> None:
    said = json.loads(file.read_text(encoding="utf-8"))
    answers = [
        ("Get-BorgClusterReport", said["cluster"]),
        *(("Get-BorgClusterNodeReport", report) for report in said["nodes"]),
        *(("Get-BorgClusterWriterReport", report) for report in said["writers"]),
    ]
    assert len(answers) > 3
    for command, answer in answers:
        jsonschema.validate(answer, json.loads((SCHEMAS / f"{command}.json").read_text(encoding="utf-8")))
