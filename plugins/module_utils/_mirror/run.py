# Private to awsome.training: its API may change without notice.
"""The three states of a mirror: locked, downloaded, checked."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._mirror import lock, resolve
from ansible_collections.awsome.training.plugins.module_utils._mirror.lock import Lock
from ansible_collections.awsome.training.plugins.module_utils._mirror.net import Net
from ansible_collections.awsome.training.plugins.module_utils._mirror.plan import Plan
from ansible_collections.awsome.training.plugins.module_utils._mirror.store import Store
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError, listed, told_size

Result = dict[str, Any]


@dataclass(frozen=True)
class Mirror:
    store: Store
    lock_path: Path

    def old(self) -> Lock | None:
        return lock.read(self.lock_path.read_text(), str(self.lock_path)) if self.lock_path.is_file() else None

    def checked(self) -> Result:
        """Read every byte, and tell what is missing or damaged."""
        found = self.old()
        if found is None:
            raise MirrorError(
                f"mirror: {self.lock_path} does not exist, so that nothing says what {self.store.root} must hold; run "
                f"with mirror_state=downloaded first, or name the lockfile."
            )
        troubles = resolve.check(found.entries, self.store)
        if troubles:
            count, told = f"{len(troubles)} of {len(found.entries)} files", "; ".join(troubles[:10])
            raise MirrorError(
                f"mirror: {count} of {self.lock_path} are not in {self.store.root} as they must be; remove what is "
                f"damaged, then run with mirror_state=downloaded: {told}."
            )
        return {"changed": False, "msg": f"All {len(found.entries)} files of {self.store.root} are as locked."}

    def foretold(self, plan: Plan, relock: bool, only_lock: bool) -> Result:
        """What check mode says without asking a vendor."""
        found = self.old()
        stale = relock or found is None or found.plan != plan.digest
        missing = [one for one in found.entries if not self.store.holds(one)] if found and not only_lock else []
        told = f"{self.lock_path} would be {'written' if stale else 'kept'}, and {len(missing)} files fetched."
        return {"changed": stale or bool(missing), "msg": told}

    def locked(self, plan: Plan, net: Net) -> Result:
        """Ask the vendors, and write nothing but the lockfile."""
        with tempfile.TemporaryDirectory() as name:
            scratch = Store(Path(name))
            with scratch.opened():
                result, found = self._lock(plan, net, scratch)
        total = told_size(sum(entry.size or 0 for entry in found.entries))
        return {**result, "msg": f"{self.lock_path} lists {len(found.entries)} files, {total}."}

    def downloaded(self, plan: Plan, net: Net, relock: bool, parallel: int) -> Result:
        """Have every file of the lockfile, which is written first where it is missing or of another plan."""
        found, result = self.old(), {"changed": False, "notes": [], "filled": []}
        with self.store.opened():
            if found is None or found.plan != plan.digest or relock:
                result, found = self._lock(plan, net, self.store)
            outcome = resolve.download(found.entries, self.store, net, parallel)
        if outcome.troubles:
            raise MirrorError(
                f"mirror: {len(outcome.troubles)} of {len(found.entries)} files are missing in {self.store.root}; the "
                f"others are kept, and the next run goes on from there:\n" + "\n".join(outcome.troubles[:10])
            )
        size, count = sum(entry.size or 0 for entry in outcome.fetched), len(outcome.fetched)
        told = f"Fetched {count} of {len(found.entries)} files, {told_size(size)}." if count else ""
        told = told or f"Nothing to fetch: all {len(found.entries)} files are in {self.store.root}."
        fetched = sorted(entry.path for entry in outcome.fetched)
        return {**result, "changed": result["changed"] or bool(count), "fetched": fetched, "msg": told}

    def _lock(self, plan: Plan, net: Net, store: Store) -> tuple[Result, Lock]:
        old = self.old()
        resolver = resolve.Resolver(net, store, {entry.url: entry for entry in old.entries} if old else {})
        made = resolver.lock(plan)
        text, notes = made.text(), list(resolver.notes)
        changed = not self.lock_path.is_file() or self.lock_path.read_text() != text
        if changed:
            beside = self.lock_path.with_name(f".{self.lock_path.name}.new")
            self.lock_path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(text)
            beside.replace(self.lock_path)
        for label, names in made.from_distribution.items():
            notes.append(f"{label} does not have {listed(names)}: the distribution's own archive must")
        return {"changed": changed, "notes": notes, "filled": made.filled}, made
