"""What ships beside the code: the schema and the two example files can't drift from the models."""

import json
import os
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import jsonschema
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from borg_cluster import config
from borg_cluster.config import document
from borg_cluster.config.keys import Configuration
from borg_cluster.shipped import shipped

EXAMPLE = shipped("config") / "borg-cluster.yaml"
MINIMAL = shipped("config") / "minimal.yaml"
SCHEMA = shipped("config") / "schema.json"


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the model that an annotation holds, at whatever depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from models_in(get_args(annotation)[0])
    else:
        for part in get_args(annotation):
            yield from models_in(part)


def fields(model: type[BaseModel] = Configuration, path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield each key with its dotted path, below lists and mappings of one's own names too."""
    for name, field in model.model_fields.items():
        here = f"{path}.{name}".lstrip(".")
        yield here, field
        for inner in models_in(field.annotation):
            yield from fields(inner, here)


def written(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield dotted path and value of each key of the example; a job's name and a list's index are no part of a path."""
    if isinstance(value, list):
        for item in value:
            yield from written(item, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            here = f"{path}.{key}".lstrip(".")
            yield here, item
            for inner in item.values() if here == "jobs" and isinstance(item, dict) else (item,):
                yield from written(inner, here)


def test_the_schema_is_the_models() -> None:
    made = json.dumps(config.schema(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        SCHEMA.write_text(made, encoding="utf-8")

    assert SCHEMA.read_text(encoding="utf-8") == made, "run `make golden`"


@pytest.mark.parametrize("file", [EXAMPLE, MINIMAL], ids=lambda file: file.name)
def test_the_examples_load_and_fit_the_schema(file: Any) -> None:
    policy = config.load(file)

    assert [job.name for job in policy.jobs][:2] == ["nightly", "weekly"]
    validator = jsonschema.Draft202012Validator(config.schema())
    validator.check_schema(config.schema())
    assert [error.message for error in validator.iter_errors(document.read(file).value)] == []


def test_every_key_is_described() -> None:
    assert [path for path, field in fields() if not field.description] == []


def test_the_example_holds_every_key_with_a_comment_above_it() -> None:
    there = {path for path, _ in written(document.read(EXAMPLE).value)}
    there |= {path.replace("exclude.", "include.") for path in there} | {path.replace("include.", "exclude.") for path in there}
    there |= {path.replace("select.include.", "assign.") for path in there}  # the same conditions
    there |= {path.replace("jobs.select.include.", "guest_storage.") for path in there}
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()

    assert sorted({path for path, _ in fields()} - there) == []
    for path, field in fields():
        key = path.rpartition(".")[2]
        commented = [
            lines[number - 1].lstrip().startswith("#")
            for number, line in enumerate(lines)
            if line.lstrip(" -").startswith(f"{key}:")
        ]
        assert any(commented), f"{path}: {field.description}"


def test_the_example_shows_the_defaults() -> None:
    """Where there is one: an absent value and an empty list may show an example instead."""
    defaults = {path: field.get_default(call_default_factory=True) for path, field in fields() if not field.is_required()}
    plain = {path: value for path, value in defaults.items() if isinstance(value, str | int) and value is not None}
    shown: dict[str, list[object]] = {}
    for path, value in written(document.read(EXAMPLE).value):
        shown.setdefault(path, []).append(value)

    assert {path: value for path, value in plain.items() if value not in shown[path]} == {}
