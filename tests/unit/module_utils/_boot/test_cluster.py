"""cluster.yml and shared_users: what they may say, and every fault at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.awsome.training.plugins.module_utils._boot import cluster


def judged(path: Path, text: str, **files: str) -> cluster.Answer:
    (path / "cluster.yml").write_text(text)
    for name, content in files.items():
        (path / name.replace("__", ".")).write_text(content)
    return cluster.judged(path, "hyperpod", types=["ml.p5.48xlarge", "ml.none.large", ""])


def test_nothing_is_asked_for_and_every_role_stays(tmp_path: Path) -> None:
    answer = cluster.judged(tmp_path, "hyperpod")
    assert answer.faults == () and "pyxis" in answer.roles["compute"] and answer.user["boot"] == {}


def test_a_feature_is_some_roles_or_one(tmp_path: Path) -> None:
    answer = judged(tmp_path, "features: {containers: false, slurm_accounting: false}")
    assert not {"docker", "enroot", "pyxis", "nvidia_container_toolkit"} & set(answer.roles["compute"])
    assert "slurm_accounting" not in answer.roles["controller"]
    assert answer.user["variables"] == {"slurm_slurmdbd_host": ""}  # and slurm.conf asks for none
    assert answer.known_types == ("ml.p5.48xlarge",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("feature: {}", "'feature' is no key of this file; did you mean 'features'?"),
        (
            "features: {contaners: false}",
            "'features.contaners' is no key of this file; did you mean 'features.containers'?",
        ),
        ("features: {containers: 'no'}", "features.containers is 'no', expected true or false."),
        ("groups: {compute: 5}", "groups.compute is 5, expected a mapping of variables."),
        ("groups: {worker: {}}", "'groups.worker' is no key of this file"),
        ("variables: [a]", "variables is ['a'], expected a mapping."),
        ("boot: {attempts: 0}", "boot.attempts is 0, expected a whole number of at least 1."),
        ("- a", "holds list, expected a mapping"),
        ("a: [", "is not YAML"),
        (
            "variables: {slurm_confg: {}}",
            "'slurm_confg' is no variable of this collection; did you mean 'slurm_config'?",
        ),
        ("groups: {login: {users_acounts: []}}", "did you mean 'users_accounts'? (host login)"),
    ],
)
def test_each_fault_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    found = judged(tmp_path, text).faults
    assert any(sentence in fault and fault.startswith(str(tmp_path)) for fault in found), found


def test_the_faults_of_both_files_come_together(tmp_path: Path) -> None:
    for text, sentence in (("feature: {}", "is no key"), ("variables: {slurm_confg: {}}", "is no variable")):
        found = judged(tmp_path, text, shared_users__txt="bob,x,home\n").faults
        assert sentence in found[0] and "shared_users.txt" in found[-1], found


def test_shared_users_are_options_of_role_users(tmp_path: Path) -> None:
    answer = judged(tmp_path, "", shared_users__txt="alice,2001,/fsx/alice\n")
    assert answer.user["users"]["users_accounts"] == [{"name": "alice", "uid": 2001, "home": "/fsx/alice"}]


def test_every_text_is_told_with_its_key() -> None:
    data = {"a": {"db_password": "x"}, "b": [{"token": "y"}, "z"]}
    assert list(cluster.texts(data)) == [("db_password", "x"), ("token", "y"), ("b", "z")]
