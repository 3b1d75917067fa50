"""What is done about a cluster, and how a failure is told: pure."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws.parallelcluster import api, plan, wait

STANDING = {
    "clusterStatus": "CREATE_COMPLETE",
    "cloudFormationStackStatus": "CREATE_COMPLETE",
    "computeFleetStatus": "RUNNING",
}
CHANGE = {
    "parameter": "Scheduling.SlurmQueues[gpu].ComputeResources[p5].MaxCount",
    "currentValue": "8",
    "requestedValue": "4",
}
STOP = {**CHANGE, "message": "All compute nodes must be stopped. Stop the compute fleet."}
NEVER = {
    "parameter": "HeadNode.InstanceType",
    "currentValue": "a",
    "requestedValue": "b",
    "message": "Update actions are not supported",
}


def refused(*errors: dict[str, str]) -> dict[str, object]:
    return {
        "code": 400,
        "content": {"message": "Update failure", "changeSet": [CHANGE], "updateValidationErrors": list(errors)},
    }


@pytest.mark.parametrize(
    ("status", "state", "actions"),
    [
        (None, "present", ("create",)),
        (None, "absent", ()),
        ("CREATE_COMPLETE", "absent", ("delete",)),
        ("DELETE_FAILED", "absent", ("delete",)),
        ("CREATE_FAILED", "absent", ("delete",)),
        ("CREATE_FAILED", "present", ("delete", "create")),
        ("DELETE_FAILED", "present", ()),
    ],
)
def test_what_is_done_depends_on_what_is_there(status: str | None, state: str, actions: tuple[str, ...]) -> None:
    found = plan.existing("train", state, {"clusterStatus": status} if status else None)
    assert found and found.actions == actions
    assert bool(found.faults) == (status == "DELETE_FAILED" and state == "present")


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_FAILED"])
def test_a_cluster_that_stands_is_asked_for_its_changes(status: str) -> None:
    assert plan.existing("train", "present", {"clusterStatus": status}) is None


def test_a_rollback_is_waited_for_though_the_cluster_is_called_failed() -> None:
    seen = {"clusterStatus": "CREATE_FAILED", "cloudFormationStackStatus": "ROLLBACK_IN_PROGRESS"}
    assert not plan.settled(seen) and plan.settled(None)


def test_changes_that_nothing_forbids_are_made() -> None:
    update = plan.read_update({"code": 412, "content": {"changeSet": [CHANGE]}}, None)
    assert plan.updated("train", STANDING, update, False, False).actions == ("update",)
    assert update.changes == (f"{CHANGE['parameter']}: 8 -> 4",)


def test_no_change_is_no_fault() -> None:
    said = {"code": 400, "content": {"message": "Bad Request: No changes found in your cluster configuration."}}
    assert plan.updated("train", STANDING, plan.read_update(said, None), False, False) == plan.Plan()


def test_the_fleet_is_stopped_only_where_that_is_allowed() -> None:
    update = plan.read_update(refused(STOP), {"code": 412, "content": {"changeSet": [CHANGE]}})
    forbidden = plan.updated("train", STANDING, update, False, False)
    assert (
        forbidden.actions == ()
        and "must be stopped" in forbidden.faults[0]
        and "fleet_stop_allowed" in forbidden.faults[0]
    )
    assert plan.updated("train", STANDING, update, True, False).actions == ("stop_fleet", "update", "start_fleet")
    checked = plan.updated("train", STANDING, update, False, True)
    assert checked.actions and not checked.faults and "fleet_stop_allowed" in checked.warnings[0]


def test_what_cannot_be_updated_is_told_even_where_the_fleet_may_be_stopped() -> None:
    update = plan.read_update(refused(STOP, NEVER), refused(NEVER))
    assert update.faults == ("HeadNode.InstanceType: a -> b is refused: Update actions are not supported.",)
    assert len(update.fleet) == 1 and plan.updated("train", STANDING, update, True, False).actions == ()


def test_a_configuration_that_validators_refuse_is_told_in_their_words() -> None:
    errors = [
        {"level": "ERROR", "type": "EfaValidator", "message": "Instance type 'x' does not support EFA."},
        {"level": "WARNING", "type": "KeyPairValidator", "message": "no key"},
    ]
    said = {
        "code": 400,
        "content": {"message": "Invalid cluster configuration.", "configurationValidationErrors": errors},
    }
    assert plan.read_update(said, None).faults == ("Instance type 'x' does not support EFA. (EfaValidator)",)


def test_a_stopped_fleet_is_told() -> None:
    found = plan.updated("train", {**STANDING, "computeFleetStatus": "STOPPED"}, plan.Update(), False, False)
    assert "jobs wait" in found.warnings[0]


def test_a_failure_names_what_began_it_and_where_the_logs_are() -> None:
    events = [
        {
            "timestamp": "3",
            "logicalResourceId": "train",
            "resourceType": "Stack",
            "resourceStatus": "ROLLBACK_IN_PROGRESS",
        },
        {
            "timestamp": "2",
            "logicalResourceId": "Other",
            "resourceType": "T",
            "resourceStatus": "CREATE_FAILED",
            "resourceStatusReason": "Resource creation cancelled",
        },
        {
            "timestamp": "1",
            "logicalResourceId": "HeadNode",
            "resourceType": "AWS::EC2::Instance",
            "resourceStatus": "CREATE_FAILED",
            "resourceStatusReason": "We currently do not have sufficient capacity.",
        },
    ]
    seen = {"clusterStatus": "CREATE_FAILED", "cloudFormationStackStatus": "ROLLBACK_COMPLETE"}
    told = plan.failure("train", "us-east-1", seen, events, "creation")
    assert "HeadNode (AWS::EC2::Instance) CREATE_FAILED: We currently do not have sufficient capacity." in told
    assert "cancelled" not in told and "/aws/parallelcluster/train-" in told


def test_waiting_is_bounded_and_tells_what_it_saw() -> None:
    lines: list[str] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with pytest.raises(
        wait.WaitError, match=r"The creation is still CREATE_IN_PROGRESS after \d+ s; it goes on by itself"
    ):
        wait.until(
            lambda: "CREATE_IN_PROGRESS",
            lambda seen: False,
            str,
            what="The creation",
            seconds=300,
            note=lines.append,
            sleep=sleep,
            clock=lambda: now[0],
        )
    assert lines == ["0 s: CREATE_IN_PROGRESS"] and now[0] <= 300


# --- asking the package


def test_the_shared_options_of_modules_reach_the_package() -> None:
    told = api.environment(
        {"region": "us-east-1", "access_key": "a", "secret_key": "s", "profile": None, "endpoint_url": ""}
    )
    assert told == {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}


def test_a_python_that_is_not_there_is_told() -> None:
    with pytest.raises(
        api.PackageError, match="python is '/nowhere/python', which cannot be run: No such file or directory"
    ):
        api.Package("/nowhere/python", "train", "us-east-1", {}).faults({})


def test_a_python_without_the_package_is_told() -> None:
    with pytest.raises(api.PackageError, match=r"/usr/bin/python3 has no aws-parallelcluster \(.*\); install it there"):
        api.Package("/usr/bin/python3", "train", "us-east-1", {}).faults({})


def test_a_program_that_is_no_python_is_told() -> None:
    with pytest.raises(api.PackageError, match="/bin/false did not answer as expected: it ended and said nothing"):
        api.Package("/bin/false", "train", "us-east-1", {}).faults({})


def test_throttling_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        {"code": 429, "content": {"message": "slow down"}},
        {"code": 500, "content": {"message": "Rate exceeded"}},
        {"code": 200, "content": {"clusterStatus": "CREATE_COMPLETE"}},
    ]
    slept: list[float] = []
    package = api.Package("python", "train", "us-east-1", {}, sleep=slept.append)
    monkeypatch.setattr(package, "_ask", lambda **_: answers.pop(0))
    assert package.describe() == {"clusterStatus": "CREATE_COMPLETE"} and slept == [2.0, 4.0]


def test_throttling_does_not_go_on_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    package = api.Package("python", "train", "us-east-1", {}, sleep=lambda _: None)
    monkeypatch.setattr(package, "_ask", lambda **_: {"code": 429, "content": {"message": "slow down"}})
    with pytest.raises(api.PackageError, match="train in us-east-1 cannot be described: slow down"):
        package.describe()
