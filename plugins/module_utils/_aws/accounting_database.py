# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
# Private to awsome.training: its API may change without notice.
"""What is wrong with the accounting database that was asked for. Pure."""

from __future__ import annotations

import re
from typing import Any

# RDS's ServerlessV2ScalingConfiguration: half steps up to 256. Versions without auto-pause begin at 0.5.
LARGEST_ACU = 256
# RDS's CreateDBInstance for MariaDB on gp3, and its bounds of BackupRetentionPeriod; 0 would make no backups.
STORAGE_GIB = (20, 65536)
BACKUP_DAYS = (1, 35)


def faults(asked: dict[str, Any]) -> list[str]:
    """Every fault of the role's options, a sentence each; `asked` has them by name without `accounting_database_`."""
    found = []
    missing = [f"accounting_database_{key}" for key in ("vpc_id", "security_group_id") if not asked[key]]
    if missing:
        found.append(f"The database needs {', '.join(missing)}; run role network first, or give what exists.")
    if len(asked["subnet_ids"]) < 2:
        found.append(
            f"accounting_database_subnet_ids lists {len(asked['subnet_ids'])} subnets; RDS wants two or more, in "
            "different zones. Give network_availability_zones a second one."
        )
    # CreateDBInstance: a master user has 1 to 16 letters, digits or underscores, a database 1 to 64; a letter begins.
    for key, size in (("username", 16), ("name", 64)):
        if not re.fullmatch(rf"[A-Za-z]\w{{0,{size - 1}}}", asked[key]):
            found.append(
                f"accounting_database_{key} is {asked[key]!r}; give 1 to {size} letters, digits or underscores, "
                "a letter first."
            )
    low, high = BACKUP_DAYS
    if not low <= asked["backup_days"] <= high:
        found.append(f"accounting_database_backup_days is {asked['backup_days']}; RDS keeps {low} to {high} days.")
    return found + (_aurora(asked) if asked["engine"] == "aurora" else _mariadb(asked))


def _aurora(asked: dict[str, Any]) -> list[str]:
    least, most = asked["min_acu"], asked["max_acu"]
    found = [
        f"accounting_database_{key} is {asked[key]}; Aurora has steps of 0.5 from 0.5 to {LARGEST_ACU}."
        for key in ("min_acu", "max_acu")
        if asked[key] * 2 != int(asked[key] * 2) or not 0.5 <= asked[key] <= LARGEST_ACU
    ]
    if least > most:
        found.append(f"accounting_database_min_acu {least} is more than accounting_database_max_acu {most}.")
    return found


def _mariadb(asked: dict[str, Any]) -> list[str]:
    found, (least, most) = [], STORAGE_GIB
    if not re.fullmatch(r"db\.[a-z0-9-]+\.[a-z0-9]+", asked["instance_class"]):
        found.append(f"accounting_database_instance_class is {asked['instance_class']!r}; give one as db.m6g.large.")
    if not least <= asked["storage_gib"] <= most:
        found.append(
            f"accounting_database_storage_gib is {asked['storage_gib']}; RDS has {least} to {most} GiB of gp3."
        )
    return found
