# Private to awsome.training: its API may change without notice.
"""From a plan to a lockfile, and from a lockfile to a full mirror."""

from __future__ import annotations

import concurrent.futures
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact
from ansible_collections.awsome.training.plugins.module_utils._mirror import gpg, index, words
from ansible_collections.awsome.training.plugins.module_utils._mirror.closure import closure
from ansible_collections.awsome.training.plugins.module_utils._mirror.lock import Entry, Lock, merged
from ansible_collections.awsome.training.plugins.module_utils._mirror.net import Net
from ansible_collections.awsome.training.plugins.module_utils._mirror.plan import Artefact, Plan, Source
from ansible_collections.awsome.training.plugins.module_utils._mirror.store import Store


@dataclass
class Resolver:
    """Asks the vendors. What it has to fetch for that lies in the store afterwards."""

    net: Net
    store: Store
    old: dict[str, Entry] = field(default_factory=dict)  # the former lockfile, by URL: what it proved stands
    notes: list[str] = field(default_factory=list)
    cache: dict[str, bytes] = field(default_factory=dict)

    def lock(self, plan: Plan) -> Lock:
        entries: list[Entry] = []
        absent: dict[str, list[str]] = {}
        for wanted, users in plan.artefacts.items():
            entries += self._artefact(wanted, users)
        for source, users in plan.sources.items():
            found, missing = self._source(source, users)
            entries += found
            if missing:
                absent[source.label] = missing
        return Lock(plan.digest, merged(entries), dict(sorted(absent.items())))

    def fetch(self, url: str, label: str) -> bytes:
        if url not in self.cache:
            self.cache[url] = self.net.bytes(url, self.store, label)
        return self.cache[url]

    def _artefact(self, wanted: Artefact, users: set[str]) -> list[Entry]:
        if not wanted.fingerprint:
            return [self._known(wanted, users) if wanted.sha256 else self._filled(wanted, users)]
        key = gpg.Key(wanted.key_url, self.fetch(wanted.key_url, wanted.label), wanted.fingerprint)
        signature = self.fetch(wanted.signature_url, wanted.label)
        proofs = [
            self._laid(kind, url, artifact.signed_place(url), content, users)
            for kind, url, content in (("key", key.url, key.content), ("signature", wanted.signature_url, signature))
        ]
        if wanted.sha256:
            return [self._known(wanted, users), *proofs]
        before = self.old.get(wanted.url)
        if before and before.signed_by == wanted.fingerprint and before.path == wanted.path:
            return [self._signed(wanted, users, before.sha256, before.size), *proofs]
        with self.store.scratch() as file:
            checksum = self.net.file(wanted.url, file, wanted.label)
            gpg.detached(file, signature, key, wanted.url, wanted.label)
            size = file.stat().st_size
            self.store.adopt(file, wanted.path)
        return [self._signed(wanted, users, checksum, size), *proofs]

    def _signed(self, wanted: Artefact, users: set[str], sha256: str, size: int | None) -> Entry:
        return Entry("artefact", wanted.url, wanted.path, sha256, size, set(users), False, wanted.fingerprint)

    def _known(self, wanted: Artefact, users: set[str]) -> Entry:
        before = self.old.get(wanted.url)
        known = before is not None and before.sha256 == wanted.sha256 and before.size is not None
        size = before.size if before and known else self.net.size(wanted.url, wanted.label)
        return self._signed(wanted, users, wanted.sha256, size)

    def _filled(self, wanted: Artefact, users: set[str]) -> Entry:
        """The one place where a file is fetched whose sha256 nobody has told: to tell it, not to install it."""
        before = self.old.get(wanted.url)
        if before and wanted.sha512 and before.path == wanted.path:
            return self._signed(wanted, users, before.sha256, before.size)
        if before and before.filled:
            return Entry("artefact", wanted.url, before.path, before.sha256, before.size, set(users), True)
        with self.store.scratch() as file:
            checksum = self.net.file(wanted.url, file, wanted.label)
            size, path = file.stat().st_size, f"{checksum}/{wanted.url.partition('?')[0].rpartition('/')[2]}"
            if wanted.sha512:
                _prove(wanted, file)
                path = wanted.path
            self.store.adopt(file, path)
        return Entry("artefact", wanted.url, path, checksum, size, set(users), not wanted.sha512)

    def _source(self, source: Source, users: set[str]) -> tuple[list[Entry], list[str]]:
        reading = index.read(source, self.fetch)
        self.notes += reading.notes
        chosen, absent = closure(reading.index, source.names, source.required, source.assumed)
        entries = []
        for url, content in reading.files.items():
            kind = "key" if url == source.repository.key_url else "index"
            entries.append(self._laid(kind, url, words.repository_path(url), content, users))
        for package in chosen:
            url = words.beside(reading.base, package.file, source.label)
            entries.append(Entry("package", url, words.repository_path(url), package.sha256, package.size, set(users)))
        return entries, absent

    def _laid(self, kind: str, url: str, path: str, content: bytes, users: set[str]) -> Entry:
        self.store.write(content, path)
        return Entry(kind, url, path, hashlib.sha256(content).hexdigest(), len(content), set(users))


def _prove(wanted: Artefact, file: Path) -> None:
    digest = hashlib.sha512()
    with file.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != wanted.sha512:
        raise words.MirrorError(
            f"mirror: {wanted.label}: {wanted.url} has sha512 {digest.hexdigest()}, expected {wanted.sha512}; it was "
            f"not kept. Someone changed the file, or the record is wrong."
        )


@dataclass
class Outcome:
    fetched: list[Entry] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def download(entries: Iterable[Entry], store: Store, net: Net, parallel: int) -> Outcome:
    """Fetch what the store lacks. One file's trouble does not stop the others; they are there at the next run."""
    missing = [entry for entry in entries if not store.holds(entry)]
    store.room_for(missing)
    outcome = Outcome()
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, parallel)) as pool:
        running = {pool.submit(_fetch, entry, store, net): entry for entry in missing}
        try:
            for done in concurrent.futures.as_completed(running):
                try:
                    done.result()
                    outcome.fetched.append(running[done])
                except words.MirrorError as error:
                    outcome.troubles.append(str(error))
                except artifact.ArtifactError as error:
                    outcome.troubles.append(f"mirror: {error}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    outcome.troubles.sort()
    return outcome


def _fetch(entry: Entry, store: Store, net: Net) -> None:
    label = f"mirror: {', '.join(sorted(entry.needed_by)[:3])}"
    with store.scratch() as file:
        got = net.file(entry.url, file, label)
        if got != entry.sha256:
            raise words.MirrorError(f"{label}: {entry.url} has sha256 {got}, expected {entry.sha256}; {_advice(entry)}")
        store.adopt(file, entry.path)


def _advice(entry: Entry) -> str:
    if entry.kind in ("index", "key", "signature"):
        return "the vendor published anew since the lockfile was written: run again with mirror_relock=true."
    return (
        "it was not kept. Someone changed the file, or the lockfile is wrong: run again with mirror_relock=true, and "
        "compare what changes in the lockfile."
    )


def check(entries: Iterable[Entry], store: Store) -> list[str]:
    """What is missing or damaged, after every byte was read."""
    return [trouble for entry in entries if (trouble := store.trouble(entry))]
