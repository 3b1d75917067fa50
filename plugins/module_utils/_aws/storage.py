# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
# Private to awsome.training: its API may change without notice.
"""What is wrong with the storage that was asked for, and how a template comes to keep no data. Pure."""

from __future__ import annotations

import re
from typing import Any

# FSx's CreateFileSystem: PERSISTENT_2 on SSD has 1200 GiB, 2400 GiB, and multiples of 2400 GiB.
LUSTRE_SMALLEST, LUSTRE_STEP = 1200, 2400
LUSTRE_THROUGHPUTS = (125, 250, 500, 1000)
# FSx for Lustre User Guide, Increasing storage capacity: with EFA, multiples of so many GiB by throughput.
LUSTRE_EFA_STEPS = {125: 38400, 250: 19200, 500: 9600, 1000: 4800}
# FSx's CreateFileSystemOpenZFSConfiguration: throughputs by deployment type.
OPENZFS_FIRST = (64, 128, 256, 512, 1024, 2048, 3072, 4096)
OPENZFS_SECOND = (160, 320, 640, 1280, 2560, 3840, 5120, 7680, 10240)
OPENZFS_THROUGHPUTS = {
    "SINGLE_AZ_1": OPENZFS_FIRST,
    "SINGLE_AZ_HA_1": OPENZFS_FIRST,
    "SINGLE_AZ_2": OPENZFS_SECOND,
    "SINGLE_AZ_HA_2": OPENZFS_SECOND,
}
OPENZFS_CAPACITIES = (64, 524288)


def faults(asked: dict[str, Any]) -> list[str]:
    """Every fault of the options of role storage, a sentence each; `asked` has them by name without `storage_`."""
    return [*_bucket(asked), *_network(asked), *_lustre(asked), *_data_repository(asked), *_openzfs(asked)]


def unretained(template: str) -> str:
    """The template with nothing in it that outlives the stack."""
    return template.replace("DeletionPolicy: RetainExceptOnCreate", "DeletionPolicy: Delete")


def _bucket(asked: dict[str, Any]) -> list[str]:
    name, found = asked["bucket_name"], []
    # S3 User Guide, General purpose bucket naming rules.
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) or ".." in name:
        found.append(
            f"storage_bucket_name is {name!r}; a bucket's name has 3 to 63 small letters, digits and hyphens, "
            "and begins and ends with a letter or digit."
        )
    if asked["old_version_days"] < 1:
        found.append(f"storage_old_version_days is {asked['old_version_days']}; give 1 or more.")
    key = asked["kms_key_arn"]
    if key and not re.fullmatch(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/.+", key):
        found.append(f"storage_kms_key_arn is {key!r}; give the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID.")
    return found


def _network(asked: dict[str, Any]) -> list[str]:
    if not asked["lustre_capacity_gib"] and not asked["openzfs_capacity_gib"]:
        return []
    missing = [f"storage_{key}" for key in ("vpc_id", "subnet_id", "security_group_id") if not asked[key]]
    if not missing:
        return []
    return [f"File systems need {', '.join(missing)}; run role network first, or give what exists."]


def _lustre(asked: dict[str, Any]) -> list[str]:
    capacity, rate, found = asked["lustre_capacity_gib"], asked["lustre_throughput_mbps_per_tib"], []
    if not capacity:
        return ["storage_lustre_efa is true without a Lustre file system; set storage_lustre_capacity_gib."] * asked[
            "lustre_efa"
        ]
    if rate not in LUSTRE_THROUGHPUTS:
        told = ", ".join(map(str, LUSTRE_THROUGHPUTS))
        found.append(f"storage_lustre_throughput_mbps_per_tib is {rate}; PERSISTENT_2 has {told}.")
    elif asked["lustre_efa"]:
        step = LUSTRE_EFA_STEPS[rate]
        if capacity % step:
            found.append(
                f"storage_lustre_capacity_gib is {capacity}; with EFA at {rate} MB/s for each TiB, FSx has multiples "
                f"of {step} GiB. The next is {capacity + -capacity % step}."
            )
    if not asked["lustre_efa"] and capacity != LUSTRE_SMALLEST and capacity % LUSTRE_STEP:
        found.append(
            f"storage_lustre_capacity_gib is {capacity}; FSx has {LUSTRE_SMALLEST} GiB and multiples of {LUSTRE_STEP} "
            f"GiB. The next is {LUSTRE_SMALLEST if capacity < LUSTRE_SMALLEST else capacity + -capacity % LUSTRE_STEP}."
        )
    if not 0 <= asked["lustre_backup_days"] <= 90:
        found.append(f"storage_lustre_backup_days is {asked['lustre_backup_days']}; FSx keeps backups 0 to 90 days.")
    return found


def _data_repository(asked: dict[str, Any]) -> list[str]:
    link, found = asked["lustre_data_repository"], []
    if not link:
        return []
    if not asked["lustre_capacity_gib"]:
        found.append(
            "storage_lustre_data_repository is set without a Lustre file system; set storage_lustre_capacity_gib."
        )
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/.*)?", link.get("url") or ""):
        found.append(f"storage_lustre_data_repository has the url {link.get('url')!r}; give s3://BUCKET/PREFIX.")
    if not str(link.get("path") or "").startswith("/"):
        found.append(f"storage_lustre_data_repository has the path {link.get('path')!r}; give one such as /data.")
    # CreateFileSystem: no backups of a file system that is linked to a data repository.
    if asked["lustre_backup_days"]:
        found.append(
            f"storage_lustre_backup_days is {asked['lustre_backup_days']} beside storage_lustre_data_repository; FSx "
            "backs up no linked file system, so give 0."
        )
    return found


def _openzfs(asked: dict[str, Any]) -> list[str]:
    capacity, kind, rate = asked["openzfs_capacity_gib"], asked["openzfs_deployment"], asked["openzfs_throughput_mbps"]
    if not capacity:
        return []
    found, (smallest, largest) = [], OPENZFS_CAPACITIES
    if not smallest <= capacity <= largest:
        found.append(f"storage_openzfs_capacity_gib is {capacity}; FSx has {smallest} to {largest} GiB.")
    if kind not in OPENZFS_THROUGHPUTS:
        found.append(f"storage_openzfs_deployment is {kind!r}; give one of {', '.join(OPENZFS_THROUGHPUTS)}.")
    elif rate not in OPENZFS_THROUGHPUTS[kind]:
        told = ", ".join(map(str, OPENZFS_THROUGHPUTS[kind]))
        found.append(f"storage_openzfs_throughput_mbps is {rate}; {kind} has {told}.")
    if not 0 <= asked["openzfs_backup_days"] <= 90:
        found.append(f"storage_openzfs_backup_days is {asked['openzfs_backup_days']}; FSx keeps backups 0 to 90 days.")
    return found
