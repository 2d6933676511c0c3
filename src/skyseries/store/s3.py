"""Buckets of S3, and of what speaks like it, by the calls of s3fs.

Nothing is asked of the listings that s3fs keeps: they do not know what others have written.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from skyseries.errors import StorageError
from skyseries.store.base import Entry, Found
from skyseries.store.files import Location
from skyseries.store.remote import Bucket

__all__ = ["S3Bucket"]

_PART = 8 << 20
"""Bytes of a part of a file; one of twice as many is sent in one piece."""
_PARTS = 10_000
_KEYS = 1_000
"""The most that S3 lists or removes in one call."""
_READS = 3
"""How often an answer is asked for that is torn in the middle."""
_WAITS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds until a write is tried again that came in the middle of another one's."""
_MISSING, _RACE, _REFUSED = 404, 409, 412


class S3Bucket(Bucket):
    """A folder of a bucket of S3.

    Parameters
    ----------
    location : Location
        Its protocol is that of s3fs.
    """

    def __init__(self, location: Location) -> None:
        self.path = str(location)
        self._location = location
        self._bucket, prefix, _ = location.filesystem().split_path(location.path)
        self._prefix = f"{prefix}/" if prefix else ""

    def list(self, prefix: str, deep: bool) -> list[Entry]:
        """Return what lies under a prefix, named from there on."""
        start = self._key(prefix)
        arguments = {"Prefix": start, "MaxKeys": _KEYS} | ({} if deep else {"Delimiter": "/"})
        found: list[Entry] = []
        while True:
            page = self._asked("list_objects_v2", prefix, **arguments)
            if page is None:
                return []
            found += [
                Entry(item["Key"].removeprefix(start), item["Size"], _seconds(item))
                for item in page.get("Contents", ())
            ]
            found += [
                Entry(item["Prefix"].removeprefix(start).rstrip("/"), None, 0.0)
                for item in page.get("CommonPrefixes", ())
            ]
            if not page.get("IsTruncated"):
                # consoles write an object for a folder that has none
                return [entry for entry in found if entry.name and entry.name[-1] != "/"]
            arguments["ContinuationToken"] = page["NextContinuationToken"]

    def get(self, key: str) -> Found | None:
        """Return an object; None if there is none."""
        torn = 0
        while True:
            try:
                return self._content(key)
            except Exception as error:
                status = _status(error)
                if status == _MISSING:
                    return None
                torn += 1
                if status is not None or torn == _READS:
                    raise self._told("read", key, error) from error

    def notes(self, key: str) -> Mapping[str, str] | None:
        """Return what was noted with an object; None if there is none."""
        head = self._asked("head_object", key, Key=self._key(key))
        return None if head is None else head["Metadata"]

    def put(self, key: str, content: bytes, notes: Mapping[str, str], tag: str | None) -> bool:
        """Write an object if it has this tag, or for None if there is none; say whether it was."""
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        request = {"Key": self._key(key), "Body": content, "Metadata": dict(notes), **condition}
        for wait in (*_WAITS, None):
            try:
                self._call("put_object", **request)
            except Exception as error:
                status = _status(error)
                if status == _RACE and wait is not None:
                    time.sleep(wait * random.uniform(0.5, 1))  # noqa: S311
                elif status == _REFUSED or (status == _MISSING and tag is not None):
                    return False
                else:
                    raise self._told("write", key, error) from error
            else:
                break
        return True

    def send(self, key: str, file: Path, notes: Mapping[str, str]) -> None:
        """Write an object of what a file of this machine holds."""
        part = max(_PART, -(-file.stat().st_size // _PARTS))
        target = f"{self._bucket}/{self._key(key)}"
        try:
            self._location.filesystem().put_file(
                str(file), target, chunksize=part, max_concurrency=2, Metadata=dict(notes)
            )
        except Exception as error:
            raise self._told("write", key, error) from error

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects, whether they are there or not."""
        left = [{"Key": self._key(key)} for key in keys]
        while left:
            some, left = left[:_KEYS], left[_KEYS:]
            try:
                answer = self._call("delete_objects", Delete={"Objects": some, "Quiet": True})
            except Exception as error:
                raise self._told("remove", some[0]["Key"], error) from error
            for refused in answer.get("Errors", ()):
                raise self._told("remove", refused["Key"], OSError(refused.get("Message")))

    def _content(self, key: str) -> Found:
        from fsspec.asyn import sync

        files = self._location.filesystem()

        async def read() -> Found:
            answer = await files._call_s3("get_object", Bucket=self._bucket, Key=self._key(key))
            async with answer["Body"] as body:
                return Found(await body.read(), answer["ETag"])

        found: Found = sync(files.loop, read)
        return found

    def _key(self, key: str) -> str:
        return f"{self._prefix}{key}"

    def _call(self, method: str, **arguments: Any) -> Any:
        files = self._location.filesystem()
        try:
            return files.call_s3(method, Bucket=self._bucket, **arguments)
        finally:
            files.invalidate_cache()

    def _asked(self, method: str, key: str, **arguments: Any) -> Any:
        """Return the answer to a question, None if what it is about is missing."""
        try:
            return self._call(method, **arguments)
        except Exception as error:
            if _status(error) == _MISSING:
                return None
            raise self._told("read", key, error) from error

    def _told(self, verb: str, key: str, error: Exception) -> StorageError:
        why = str(error) or type(error).__name__
        return StorageError(f"cannot {verb} {self.path}/{key}: {why}")


def _status(error: Exception) -> int | None:
    """Return with which status a server has refused; None if it has not."""
    response = getattr(error.__cause__, "response", None)
    return response["ResponseMetadata"].get("HTTPStatusCode") if response else None


def _seconds(item: Mapping[str, Any]) -> float:
    return float(item["LastModified"].timestamp())
