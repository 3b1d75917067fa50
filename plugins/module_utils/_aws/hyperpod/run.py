# Private to awsome.training: its API may change without notice.
"""HyperPod: read, plan, act, read again. The module's face of api, plan, shape and wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import words
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import api, plan, shape, wait


class Run:
    def __init__(self, module: Any) -> None:
        self.module, self.options, self.name = module, module.params, module.params["name"]
        self.client = api.client(module)
        self.progress: list[str] = []

    def fail(self, *sentences: str) -> None:
        self.module.fail_json(msg="hyperpod_cluster: " + "\n".join(sentences), progress=self.progress)

    def tell(self, line: str) -> None:
        self.progress.append(line)
        if self.options["progress_path"]:
            with Path(self.options["progress_path"]).open("a") as stream:
                stream.write(f"{line}\n")

    def describe(self) -> Any:
        return api.describe(self.client, self.name)

    def rest(self, nodes: bool = False) -> Any:
        """The cluster, once nothing goes on in it."""
        listed = (lambda: api.nodes(self.client, self.name)) if nodes else None
        seen = wait.settled(
            self.describe, self.tell, self.options["wait_timeout"], self.options["poll_seconds"], listed
        )
        if seen and seen["ClusterStatus"] == "Failed" and self.options["state"] == "present":
            found = api.nodes(self.client, self.name)
            self.fail(shape.failure(seen, found, api.events(self.client, self.name, 20)))
        return seen

    def wanted(self, seen: Any) -> plan.Wanted:
        request, options = shape.wanted(self.options), self.options
        faults = shape.faults(request, seen)
        software = options["software_update"]
        if software is not None:
            told = {**software, "cluster_name": self.name}
            software = words.request("sagemaker", "UpdateClusterSoftware", told)
            faults += [f"software_update.{one}" for one in words.faults("sagemaker", "UpdateClusterSoftware", software)]
        if faults:
            self.fail(*faults)
        nodes = [tuple(options[f"{what}_nodes"]) for what in ("delete", "replace", "reboot")]
        return plan.Wanted(request, options["purge_instance_groups"], options["purge_tags"], software, *nodes)

    def made(self, seen: Any) -> plan.Plan:
        if self.options["state"] == "absent":
            return plan.absent(self.name, seen)
        wanted = self.wanted(seen)
        tags = api.tags(self.client, seen["ClusterArn"]) if seen and self.options["tags"] is not None else {}
        asked = seen and (wanted.delete or wanted.replace or wanted.reboot)
        nodes = [one["InstanceId"] for one in api.nodes(self.client, self.name)] if asked else []
        made = plan.present(wanted, plan.Seen(seen, tags, frozenset(nodes)))
        for one in made.actions:
            faults = words.faults("sagemaker", one.operation, one.params)
            if faults:
                self.fail(*faults)
        return made

    def run(self) -> None:
        seen = self.describe()
        if self.options["state"] == "present" and seen and seen["ClusterStatus"] not in ("InService", "Failed"):
            if self.module.check_mode:
                seen = None if seen["ClusterStatus"] == "Deleting" else seen
            elif self.options["wait"]:
                seen = self.rest()  # what an earlier run began; nothing can be changed meanwhile
        made = self.made(seen)
        if made.refusals:
            self.fail(*made.refusals)
        if not self.module.check_mode:
            seen = self.act(made, seen)
        self.module.exit_json(
            changed=bool(made.actions),
            plan=[{"operation": one.operation, "params": dict(one.params), "why": one.why} for one in made.actions],
            cluster=words.answer("sagemaker", "DescribeCluster", seen) if seen else None,
            log_group=shape.log_group(seen) if seen else None,
            progress=self.progress,
        )

    def act(self, made: plan.Plan, seen: Any) -> Any:
        lasting = [one.operation for one in made.actions if one.lasting]
        if not self.options["wait"] and len(lasting) > 1:
            self.fail(f"{', '.join(lasting)} are due, and each keeps the cluster busy; wait for them, or ask for one.")
        if lasting and seen and seen["ClusterStatus"] not in ("InService", "Failed"):
            self.fail(f"cluster {self.name} is {seen['ClusterStatus']} and takes no change meanwhile; run again later.")
        for one in made.actions:
            self.tell(f"{self.name}: {one.why}")
            failed = api.act(self.client, one.operation, one.params)
            if failed:
                self.fail(*failed)
            if self.options["wait"] and one.lasting:
                seen = self.rest(nodes="ClusterNodes" in one.operation)
        if not self.options["wait"]:
            return self.describe()
        if not lasting and self.options["state"] == "present":
            seen = self.rest()  # nodes that an earlier run asked for may still be on their way
        if "UpdateCluster" in lasting:
            left = [one for one in self.made(seen).actions if one.operation == "UpdateCluster"]
            if left:
                self.fail(f"HyperPod took the change back: {left[0].why}. {shape.failure(seen, [], [])}")
        return seen
