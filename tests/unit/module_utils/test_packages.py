"""What a node lacks is asked of its own database, and a package manager is told not to start anything."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _packages as packages

OPTIONS = {"lock_timeout_seconds": 600, "cache_valid_seconds": 86400, "recommends": False}
SEEN = "installed munge 0.5.15-2\nconfig-files slurmd 22.05.8-4\nno packages found\n"


def test_only_what_is_installed_counts_as_installed() -> None:
    assert packages.missing(["munge", "slurmd", "sudo"], SEEN) == ["slurmd", "sudo"]


def test_another_version_is_missing() -> None:
    assert packages.missing(["munge=0.5.15-2"], SEEN) == []
    assert packages.missing(["munge=0.5.16"], SEEN) == ["munge=0.5.16"]


def test_the_version_is_not_part_of_the_question() -> None:
    assert packages.query("apt", ["munge=0.5.15-2"])[-1] == "munge"


def test_an_unknown_package_manager_is_named() -> None:
    with pytest.raises(packages.PackageError, match="'zypper', expected one of apt, dnf"):
        packages.query("zypper", ["munge"])


def test_apt_starts_nothing_and_waits_for_its_lock() -> None:
    told = packages.arguments("apt", ["munge"], OPTIONS, refresh=False)
    assert told["policy_rc_d"] == 101 and told["lock_timeout"] == 600 and told["cache_valid_time"] == 86400
    assert not told["install_recommends"]


def test_a_second_attempt_refreshes_the_index() -> None:
    assert packages.arguments("apt", ["munge"], OPTIONS, refresh=True)["update_cache"] is True
    assert packages.arguments("dnf", ["a=1-2"], OPTIONS, refresh=True)["name"] == ["a-1-2"]


def test_pauses_double() -> None:
    assert packages.pauses(4) == [5, 10, 20]


def test_an_old_index_needs_no_pause() -> None:
    assert packages.is_stale_index("No package matching 'munge' is available")
    assert not packages.is_stale_index("Failed to fetch")
