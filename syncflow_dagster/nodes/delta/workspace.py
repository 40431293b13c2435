"""The folder of a build: what each chunk of rows became, kept so that a killed build goes on.

A chunk counts once its manifest is there, which is written last. The folder holds records of the
source until the build has ended, so nobody but its owner may look into it.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Any

import polars as pl
import xxhash

from syncflow_dagster.nodes.delta import marks

if TYPE_CHECKING:
    from pathlib import Path

    from syncflow_dagster.nodes.rows import Mark

#: A build that stopped longer ago than this begins anew: its rows are too old to be called read.
STALE_AFTER_S = 3600
#: The same where the source says up to when its rows show every change: what changed later is read
#: with the next changes. As long as two days, as services give back in one what they allow in it.
COVERED_STALE_AFTER_S = 48 * 3600
#: The same once it was left on purpose, as its window was over: until the one after a week of days
#: off. What changed in rows that were read before, the build after it finds.
LEFT_STALE_AFTER_S = 11 * 24 * 3600
#: Records of a chunk are numbered from `chunk * STRIDE`.
STRIDE = 1 << 32

_BUILD = "build.json"
_LEFT = "left"
_PARTS = ("records", "seen", "entries", "rejected")


@dataclass(frozen=True)
class Manifest:
    """What is kept of a chunk.

    Attributes:
        number: Place of the chunk in the read, from 0.
        batch: The batch that read it.
        read: Source rows it was made of.
        records: Records of this build's range.
        seen: Those among them that are not made again, as their rows were seen before; they have
            the last numbers of the chunk.
        known: Digest of the known records among which those have their places.
        rejected: Records that break a rule.
        resume: Where a read goes on behind the chunk, as `marks` writes it; None: nowhere.
        version: Highest row version, as `marks` writes it; None where there is none.
        versionless: Records without a row version.
        covered: Row version up to which the read shows every change, as `marks` writes it; None:
            the rows' own tell.
        last: Whether the read ended with it.
        checksums: XXH3-128 of its files.
    """

    number: int
    batch: int
    read: int
    records: int
    seen: int
    known: str
    rejected: int
    resume: str | None
    version: str | None
    versionless: int
    covered: str | None
    last: bool
    checksums: dict[str, str]

    @property
    def made(self) -> int:
        """Records that are made of their rows; they have the first numbers of the chunk."""
        return self.records - self.seen


class Workspace:
    """Files of one build.

    Args:
        folder: Its folder; made if need be.
        identity: What is built: a build goes on only where an earlier one of the same identity
            stopped.
    """

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self._folder = folder
        self._identity = json.loads(json.dumps(identity, default=str))
        #: This batch; 0 before :meth:`open`.
        self.batch = 0
        self.chunks: list[Manifest] = []

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    def records(self, chunk: int) -> Path:
        """Return the path of a chunk's normalised records."""
        return self._path(chunk, "records")

    def seen(self, chunk: int) -> Path:
        """Return the path of a chunk's rows that were seen before; see `work.SEEN`."""
        return self._path(chunk, "seen")

    def entries(self, chunk: int) -> Path:
        """Return the path of a chunk's sorted hashes."""
        return self._path(chunk, "entries")

    def rejected(self, chunk: int) -> Path:
        """Return the path of a chunk's rejections."""
        return self._path(chunk, "rejected")

    def earlier(self) -> int | None:
        """Return the batch that left the folder, None if there is none of this identity."""
        path = self._folder / _BUILD
        try:
            known = json.loads(path.read_text())
        except (OSError, ValueError):
            return None
        if known.get("identity") != self._identity:
            return None
        batch: int = known["batch"]
        return batch

    def open(self, batch: int) -> int | None:
        """Take over what an earlier build left, or begin with an empty folder.

        Args:
            batch: Number of this batch.

        Returns:
            The batch whose chunks are taken over, None when there is none.
        """
        self.batch = batch
        earlier = self.earlier()
        usable = self._usable() if earlier is not None else []
        if earlier is not None and usable:
            self.chunks = usable
            kept = {f"{manifest.number:06}" for manifest in usable}
            for path in self._folder.iterdir():
                if path.name not in {_BUILD, _LEFT} and path.name.partition(".")[0] not in kept:
                    path.unlink()
            return earlier
        self.remove()
        self._folder.mkdir(parents=True, mode=0o700)
        self._write(_BUILD, {"identity": self._identity, "batch": batch})
        return None

    @property
    def complete(self) -> bool:
        """Whether the chunks hold the whole read."""
        return bool(self.chunks) and self.chunks[-1].last

    @property
    def resume(self) -> Mark | None:
        """Where the read goes on behind the chunks that are kept."""
        return marks.from_text(self.chunks[-1].resume) if self.chunks else None

    @property
    def continues(self) -> bool:
        """Whether another build could go on with what is kept."""
        return self.complete or any(chunk.resume is not None for chunk in self.chunks)

    def checksums(self, chunk: int) -> dict[str, str]:
        """Return the checksums of a chunk's files."""
        return {part: checksum(self._path(chunk, part)) for part in _PARTS}

    def keep(self, manifest: Manifest) -> None:
        """Count a chunk whose files are written."""
        self._write(f"{manifest.number:06}.manifest", asdict(manifest))
        self.chunks.append(manifest)

    def read_records(self, chunk: int, columns: list[str] | None = None) -> pl.DataFrame:
        """Read a chunk's normalised records."""
        return pl.read_ipc(self.records(chunk), columns=columns)

    def leave(self) -> int:
        """Keep the chunks for the build that goes on in another window.

        Returns:
            Rows of the source in them; 0 if none could go on with them.
        """
        if not self.continues:
            return 0
        for path in self._folder.glob("known.*"):
            path.unlink()  # it is read anew
        (self._folder / _LEFT).touch()
        return sum(chunk.read for chunk in self.chunks)

    def forget(self) -> None:
        """Delete the chunks, and nothing else of the folder."""
        for manifest in reversed(self.chunks):
            # The manifest first: without it, the rest is no chunk.
            for part in ("manifest", *_PARTS):
                self._path(manifest.number, part).unlink()
        (self._folder / _LEFT).unlink(missing_ok=True)
        self.chunks.clear()

    def remove(self) -> None:
        """Delete the folder."""
        if self._folder.exists():
            shutil.rmtree(self._folder)

    def _path(self, chunk: int, part: str) -> Path:
        return self._folder / f"{chunk:06}.{part}"

    def _usable(self) -> list[Manifest]:
        """Return the chunks from the first on that are whole, up to one that can be followed."""
        found: list[Manifest] = []
        newest = 0.0
        while (path := self._folder / f"{len(found):06}.manifest").exists():
            try:
                manifest = Manifest(**json.loads(path.read_text()))
                if self.checksums(manifest.number) != manifest.checksums:
                    break
            except (OSError, ValueError, TypeError):
                break
            newest = path.stat().st_mtime
            found.append(manifest)
        # Files' own times, since that is what the machine that wrote them knew.
        covered = all(manifest.covered is not None for manifest in found)
        good_for_s = COVERED_STALE_AFTER_S if covered else STALE_AFTER_S
        if (self._folder / _LEFT).exists():
            good_for_s = LEFT_STALE_AFTER_S
        if not found or time.time() - newest > good_for_s:
            return []
        while found and not found[-1].last and found[-1].resume is None:
            found.pop()
        return found

    def _write(self, name: str, content: dict[str, Any]) -> None:
        half = self._folder / f"{name}.part"
        half.write_text(json.dumps(content))
        half.replace(self._folder / name)


def checksum(path: Path) -> str:
    """Return XXH3-128 of a file."""
    if not path.stat().st_size:
        return xxhash.xxh3_128_hexdigest(b"")
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return xxhash.xxh3_128_hexdigest(content)
