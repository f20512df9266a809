"""Whatever stands in the file, loading it ends with a policy or with complaints that have places; never with anything else."""

import json
import re
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from borg_cluster import config
from borg_cluster.config.document import read
from borg_cluster.config.keys import Configuration
from borg_cluster.config.written import render
from borg_cluster.core.policy import Policy
from borg_cluster.errors import ConfigError

PLACE = re.compile(r".+:\d+:\d+")
KEYS = sorted(
    set(re.findall(r'"(\w+)": \{', json.dumps(Configuration.model_json_schema()["$defs"]))) | set(Configuration.model_fields)
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 70_000),
    st.sampled_from(
        ["C:\\ClusterStorage\\Volume1", "\\\\fs\\x", "D:\\", "/mnt/1", "26h", "volumes", "virtual_machines", "main", "*"]
    ),
    st.text(max_size=5),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5), max_leaves=15
)
documents = st.dictionaries(st.sampled_from(sorted(Configuration.model_fields)), values, max_size=8)
names = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp"), include_characters='\n\t"\\:#'), min_size=1, max_size=100
)


def load(text: str | bytes) -> Policy | None:
    """Return the policy of a file with ``text``; None if it has complaints, which are looked at."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            return config.load(file)
        except ConfigError as error:
            complaints = error.complaints
    assert complaints
    assert all(PLACE.fullmatch(complaint.place) and complaint.message for complaint in complaints)
    return None


@given(documents)
def test_right_keys_with_any_values(document: dict[str, object]) -> None:
    load(json.dumps(document, ensure_ascii=False).replace("\x7f", ""))


@given(st.text(st.sampled_from("abc:-[]{}&*!|>'\"%@` \n\t#?,0~é\x00"), max_size=60) | st.binary(max_size=40))
def test_any_text(text: str | bytes) -> None:
    load(text)


@given(names)
def test_any_name_in_double_quotes_is_that_name(name: str) -> None:
    condition = json.dumps(name, ensure_ascii=False)

    jobs = f"{{a: {{kind: virtual_machines, select: {{include: [name: {condition}]}}}}}}"
    policy = load(f"cluster: hv\nrepositories: [{{path: /r}}]\njobs: {jobs}")

    assert policy
    assert policy.jobs[0].select.include[0].name == name


@given(documents)
def test_what_is_written_again_reads_the_same(document: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(render(document), encoding="utf-8")
        found = read(file)

    assert found.complaints == []
    assert found.value == document
