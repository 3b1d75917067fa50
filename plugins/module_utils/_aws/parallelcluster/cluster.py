# Private to awsome.training: its API may change without notice.
"""Carry a plan out: each action is asked for, waited for, and explained where it fails."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable

from ansible_collections.awsome.training.plugins.module_utils._aws.parallelcluster import api, plan, wait

Row = dict[str, Any]


class ClusterError(RuntimeError):
    """The cluster is not as it is wanted. The message is for the user."""


class Cluster:
    """One cluster, as aws-parallelcluster knows it."""

    def __init__(
        self,
        package: api.Package,
        *,
        seconds: float,
        poll: float,
        rollback: bool,
        suppressed: list[str],
        note: Callable[[str], None],
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.package, self.seconds, self.poll, self.note = package, seconds, poll, note
        self.rollback, self.suppressed = rollback, suppressed
        self.pace: dict[str, Any] = {"sleep": sleep} if sleep else {}

    def seen(self, waiting: bool) -> Row | None:
        """The cluster as it is, once CloudFormation has finished with it, if there is time to wait."""
        seen = self.package.describe()
        return seen if plan.settled(seen) or not waiting else self._settle("work")

    def plan(self, state: str, configuration: Row, seen: Row | None, stop_allowed: bool, checking: bool) -> plan.Plan:
        found = plan.existing(self.package.name, state, seen)
        if found:
            if "create" not in found.actions:
                return found
            try:
                self._dry("create_cluster", configuration)
            except ClusterError as error:
                if not checking:
                    raise
                # Networks and policies that are only planned, too, are not there to be judged.
                told = f"As things are, it would be refused; what is only planned cannot be judged. {error}"
                return dataclasses.replace(found, warnings=(*found.warnings, told))
            return found
        if not seen or not plan.settled(seen):
            told = (
                f"{self.package.name} is {seen and seen['clusterStatus']}, so its changes can be told only afterwards."
            )
            return plan.Plan(warnings=(told,))
        asked: Row = {"cluster_configuration": configuration, "dryrun": True, "suppress_validators": self.suppressed}
        running = self.package.call("update_cluster", **asked)
        stopped = None
        if running["content"].get("updateValidationErrors"):
            stopped = self.package.call("update_cluster", fleet_stopped=True, **asked)
        return plan.updated(self.package.name, seen, plan.read_update(running, stopped), stop_allowed, checking)

    def carry_out(self, actions: tuple[str, ...], configuration: Row) -> None:
        started = "start_fleet" not in actions
        try:
            for action in actions:
                getattr(self, action)(configuration)
                started = started or action == "start_fleet"
        except (ClusterError, api.PackageError, wait.WaitError) as error:
            if not started and not isinstance(error, wait.WaitError):
                # We stopped it, so it runs again with what the failed update left.
                self.package.call("update_compute_fleet", status="START_REQUESTED")
            raise

    def create(self, configuration: Row) -> None:
        answer = self.package.call(
            "create_cluster",
            cluster_configuration=configuration,
            rollback_on_failure=self.rollback,
            suppress_validators=self.suppressed,
        )
        self._accepted(answer, "created")
        self._reached("creation", "CREATE_COMPLETE")

    def update(self, configuration: Row) -> None:
        answer = self.package.call(
            "update_cluster", cluster_configuration=configuration, suppress_validators=self.suppressed
        )
        self._accepted(answer, "updated")
        self._reached("update", "UPDATE_COMPLETE")

    def delete(self, _: Row) -> None:
        answer = self.package.call("delete_cluster")
        if answer["code"] == 404:
            return
        self._accepted(answer, "deleted")
        seen = self._settle("deletion")
        if seen and seen["clusterStatus"] != "DELETE_COMPLETE":
            self._explain(seen, "deletion")

    def stop_fleet(self, _: Row) -> None:
        self._fleet("STOP_REQUESTED", "STOPPED")

    def start_fleet(self, _: Row) -> None:
        self._fleet("START_REQUESTED", "RUNNING")

    def _dry(self, operation: str, configuration: Row) -> None:
        """All validators, with AWS, before anything is changed."""
        asked: Row = {"cluster_configuration": configuration, "dryrun": True, "suppress_validators": self.suppressed}
        answer = self.package.call(operation, **asked)
        if answer["code"] != 412 and "already exists" not in str(answer["content"].get("message")):
            self._accepted(answer, "created")

    def _accepted(self, answer: Row, what: str) -> None:
        if answer["code"] not in (200, 202):
            raise ClusterError(f"{self.package.name} cannot be {what}:\n" + "\n".join(plan.told(answer)))

    def _reached(self, what: str, status: str) -> None:
        seen = self._settle(what)
        if not seen or seen["clusterStatus"] != status:
            self._explain(seen, what)

    def _explain(self, seen: Row | None, what: str) -> None:
        events = self.package.events()
        raise ClusterError(plan.failure(self.package.name, self.package.region, seen, events, what))

    def _settle(self, what: str) -> Row | None:
        return wait.until(
            self.package.describe,
            plan.settled,
            lambda seen: str(seen["cloudFormationStackStatus"]) if seen else "gone",
            what=f"The {what} of {self.package.name}",
            seconds=self.seconds,
            first=self.poll,
            longest=self.poll * 6,
            note=self.note,
            **self.pace,
        )

    def _fleet(self, request: str, status: str) -> None:
        self._accepted(self.package.call("update_compute_fleet", status=request), f"told {request}")
        wait.until(
            lambda: str(
                self.package.good(self.package.call("describe_compute_fleet"), "be asked for its fleet")["status"]
            ),
            lambda seen: seen == status,
            lambda seen: f"fleet {seen}",
            what=f"The compute fleet of {self.package.name}",
            seconds=self.seconds,
            first=self.poll,
            longest=self.poll * 6,
            note=self.note,
            **self.pace,
        )
