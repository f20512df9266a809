"""What values of the configuration file are: text, durations, references; and the mapping that takes no other keys."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from borg_cluster.config import words

Text = Annotated[str, BeforeValidator(words.parse_text, json_schema_input_type=str)]
Number = Annotated[int, Field(ge=1, le=100_000)]
Duration = Annotated[
    int, BeforeValidator(words.parse_duration), WithJsonSchema({"type": "string", "pattern": words.DURATION_PATTERN})
]
Frequency = Annotated[
    int | None, BeforeValidator(words.parse_frequency), WithJsonSchema({"type": "string", "pattern": words.FREQUENCY_PATTERN})
]
Count = Annotated[int, Field(ge=-1, le=100_000)]
Seconds = Annotated[
    int,
    BeforeValidator(words.parse_seconds),
    Field(ge=1, le=86_400),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": words.DURATION_PATTERN}]}),
]
AtOnce = Annotated[int, Field(ge=1, le=64)]
Pause = Annotated[
    int,
    BeforeValidator(words.parse_seconds),
    Field(ge=0, le=3600),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": words.DURATION_PATTERN}]}),
]
Fraction = Annotated[
    float,
    BeforeValidator(words.parse_fraction),
    WithJsonSchema({"type": ["number", "string"], "pattern": words.FRACTION_PATTERN}),
]
AutoOrNever = Literal["auto", "never"]
FullEvery = Annotated[int, Field(ge=0, le=100_000)]
Secret = Annotated[Text, AfterValidator(words.parse_secret), Field(json_schema_extra={"pattern": words.REFERENCE_PATTERN})]
LocalPath = Annotated[Text, AfterValidator(words.parse_local_path), Field(json_schema_extra={"pattern": "^/"})]
JobName = Annotated[str, AfterValidator(words.parse_job_name)]
Umask = Annotated[
    int,
    BeforeValidator(words.parse_umask),
    WithJsonSchema({"type": ["string", "integer"], "pattern": words.UMASK_PATTERN}),
]
Verb = Literal["create", "prune", "compact", "check"]


def named(key: str) -> Callable[[object], object]:
    """Return what lets a text stand for a mapping with only ``key``."""
    return lambda value: {key: words.parse_text(value)} if isinstance(value, str | int) else value


class Keys(BaseModel):
    """A mapping with these keys and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
