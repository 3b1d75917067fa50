"""Three answers: pass, fail, and not-checked, which is never a pass."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils._health import check
from ansible_collections.awsome.training.plugins.module_utils._health.check import FAIL, NOT_CHECKED, PASS, Output


def status_of(asked: dict, runner=check.run) -> str:
    return check.answer("role", {"name": "it", **asked}, runner)["status"]


def printing(text: str, rc: int = 0):
    return lambda _argv, _timeout: Output(rc, text)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"argv": ["true"]}, PASS),
        ({"argv": ["false"]}, FAIL),
        ({"argv": ["false"], "rc": 1}, PASS),
        ({"argv": ["echo", "STATUS: Success"], "stdout": "Success"}, PASS),
        ({"argv": ["echo", "STATUS: Expired"], "stdout": "Success"}, FAIL),
        ({"argv": ["true"], "stdout": "Success"}, NOT_CHECKED),
        ({"argv": ["no-such-program"]}, NOT_CHECKED),
        ({"argv": ["sh", "-c", "no-such-program"]}, NOT_CHECKED),
        ({"argv": ["sleep", "5"], "timeout": 0.05}, NOT_CHECKED),
    ],
)
def test_a_command_is_judged(asked: dict, expected: str) -> None:
    assert status_of(asked) == expected


def test_a_file_is_judged_by_presence_and_mode(tmp_path) -> None:
    secret = tmp_path / "key"
    secret.write_text("")
    secret.chmod(0o400)
    assert status_of({"file": str(secret), "mode": "0400"}) == PASS
    assert status_of({"file": str(secret), "mode": "0644"}) == FAIL
    assert status_of({"file": str(tmp_path / "absent")}) == FAIL


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ([], FAIL),
        (["here"], FAIL),
        (["absent"], NOT_CHECKED),
        (["absent", "here"], FAIL),
        (["h*e"], FAIL),
        (["x*"], NOT_CHECKED),
    ],
)
def test_what_a_check_needs_is_looked_for_first(needs: list[str], expected: str, tmp_path) -> None:
    (tmp_path / "here").write_text("")
    asked = {"name": "it", "argv": ["false"], "needs": [str(tmp_path / one) for one in needs], "otherwise": "no device"}
    told = check.answer("role", asked)
    assert told["status"] == expected and (told["reason"] == "no device") is (expected == NOT_CHECKED)


def test_a_dangling_link_is_no_device(tmp_path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    asked = {"argv": ["true"], "needs": [str(tmp_path / "link")], "otherwise": "no device"}
    assert status_of(asked) == NOT_CHECKED


@pytest.mark.parametrize(("text", "expected"), [("active\n", PASS), ("failed\n", FAIL), ("", NOT_CHECKED)])
def test_a_service_is_judged_by_what_systemd_says(text: str, expected: str) -> None:
    assert status_of({"service": "munge"}, printing(text)) == expected


def test_a_service_without_systemd_is_not_checked() -> None:
    assert status_of({"service": "munge"}, lambda *_: Output(None, trouble="systemctl is not installed")) == NOT_CHECKED


def test_a_failure_tells_the_reason_and_the_fact() -> None:
    told = check.answer("munge", {"name": "trip", "argv": ["false"], "reason": "munge is deaf"})
    assert told["check"] == "munge.trip"
    assert told["reason"] == "munge is deaf (false ended with 1, expected 0)"


@pytest.mark.parametrize(
    ("stage", "needs", "expected"),
    [("image", "image", FAIL), ("image", "node", NOT_CHECKED), ("node", "image", FAIL), ("node", "node", FAIL)],
)
def test_an_image_is_asked_only_what_holds_there(stage: str, needs: str, expected: str) -> None:
    told = check.answer("munge", {"name": "it", "argv": ["false"], "stage": needs}, stage=stage)
    assert told["status"] == expected


def test_a_check_that_names_no_stage_needs_a_configured_node() -> None:
    told = check.answer("munge", {"name": "it", "argv": ["true"]}, stage="image")
    assert (told["status"], told["reason"]) == (NOT_CHECKED, "holds on a configured node only")


@pytest.mark.parametrize(
    ("text", "rc", "version", "expected"),
    [
        ("installed 2.27.7-1+cuda12.9", 0, "2.27.7", "pass"),
        ("installed 5:29.8.2-1~debian.12~bookworm", 0, "29.8.2", "pass"),
        ("installed 580.126.20-1ubuntu1", 0, None, "pass"),
        ("installed 580.126.2-1ubuntu1", 0, "580.126.20", "fail"),
        ("config-files 2.27.7-1", 0, "2.27.7", "fail"),
        ("", 1, None, "fail"),
    ],
)
def test_a_package_is_judged_by_the_database_and_by_its_version(
    text: str, rc: int, version: str | None, expected: str
) -> None:
    asked = {"name": "x", "package": "libnccl2", "version": version}
    assert check.answer("nccl", asked, lambda argv, timeout: check.Output(rc, text))["status"] == expected


def test_a_node_without_a_database_of_packages_is_not_checked() -> None:
    asked = {"name": "x", "package": "libnccl2"}
    missing = check.Output(None, trouble="rpm: not found")
    assert check.answer("nccl", asked, lambda argv, timeout: missing)["status"] == "not-checked"
