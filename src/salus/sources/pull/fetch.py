"""Polite HTTP: one named client, few requests, retries that wait as long as asked, and nothing half-read."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import re
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from secrets import SystemRandom
from types import TracebackType
from typing import Self

import httpx

from salus.data.provenance import versions
from salus.errors import SourceError
from salus.sources.pull.cache import Cache, Kept

_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_MOVED = {301, 302, 303, 307, 308}
_MAX_MOVES = 5


@dataclass(frozen=True)
class Reply:
    """What a source answered.

    Attributes
    ----------
    url : str
        Address that was asked, query included.
    body : bytes
        Content, decompressed and whole.
    content_type : str
        As the source named it.
    unchanged : bool
        The source said that the kept copy is still good.
    """

    url: str
    body: bytes
    content_type: str = ""
    unchanged: bool = False


class AbsentError(SourceError):
    """The source answers, but has nothing at that address (404 or 410)."""


class _AgainError(Exception):
    """One try failed in a way that a later one may not."""

    def __init__(self, reason: str, remedy: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.remedy, self.after = reason, remedy, after


class Fetch:
    """The one door to the network.

    Parameters
    ----------
    cache : str or Path, optional
        Folder for answers that can be asked for conditionally; without it every answer is fetched anew.
    today : datetime.date, optional
        Day on which the data is pulled, in UTC; it becomes the vintage (`as_of`). Default: today.
    attempts : int
        Tries for one address.
    wait : float
        Seconds before the second try; doubled for each further one, with a random part of up to a half more.
    longest_wait : float
        Seconds; a source that asks for more (``Retry-After``) is not waited for.
    pause : float
        Least seconds between two requests.
    limit : int
        Largest answer, in bytes after decompression.
    timeout : float
        Seconds without a byte after which a try is given up.
    sleep : callable
        What waits; tests pass their own.

    Examples
    --------
    >>> with Fetch(today=dt.date(2024, 11, 20)) as fetch:
    ...     fetch.today.isoformat()
    '2024-11-20'
    """

    def __init__(
        self,
        cache: str | Path | None = None,
        *,
        today: dt.date | None = None,
        attempts: int = 5,
        wait: float = 1.0,
        longest_wait: float = 120.0,
        pause: float = 0.5,
        limit: int = 512 * 2**20,
        timeout: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.today = today or dt.datetime.now(dt.UTC).date()
        self._cache = Cache(cache) if cache is not None else None
        self._attempts, self._wait, self._longest = attempts, wait, longest_wait
        self._pause, self._limit, self._sleep = pause, limit, sleep
        self._last = -1e9
        agent = f"salus/{versions()['salus']} (public-health surveillance data pull)"
        self._client = httpx.Client(
            headers={"User-Agent": agent, "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(
        self, url: str, params: Mapping[str, str | int] | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Whole answer at an address.

        Parameters
        ----------
        url : str
            Address, http or https.
        params : mapping, optional
            Query; ends up in messages and in the cache, so never a key or a password.
        headers : mapping, optional
            Further request headers, such as an authorisation.

        Returns
        -------
        Reply
            The content, decompressed.

        Raises
        ------
        AbsentError
            There is nothing at the address.
        SourceError
            No network, a refusal, an incomplete or too large answer, or a redirect that is not followed.
        """
        try:
            asked = httpx.URL(url).copy_merge_params(dict(params or {}))
        except httpx.InvalidURL as error:
            raise SourceError(f"'{url}' is not an address ({error}). Correct --base-url.") from error
        if asked.scheme not in ("http", "https"):
            raise SourceError(
                f"can't ask {asked}: the address begins with '{asked.scheme}:', wanted http or https. Correct it."
            )
        for attempt in range(1, self._attempts + 1):
            try:
                return self._try(asked, dict(headers or {}))
            except _AgainError as again:
                if again.after is not None and again.after > self._longest:
                    raise SourceError(
                        f"{asked} asks to wait {again.after:.0f} seconds ({again.reason}). Run the same command "
                        "after that."
                    ) from again
                if attempt == self._attempts:
                    tries = f"{attempt} tries" if attempt > 1 else "1 try"
                    raise SourceError(f"{asked} gave no data in {tries}: {again.reason}. {again.remedy}") from again
                backoff = self._wait * 2 ** (attempt - 1) * SystemRandom().uniform(1.0, 1.5)
                self._sleep(min(max(backoff, again.after or 0.0), self._longest))
        raise SourceError(f"{asked} was not asked: {self._attempts} tries are allowed, wanted at least 1.")

    def _try(self, asked: httpx.URL, headers: dict[str, str]) -> Reply:
        kept = self._cache.find(str(asked)) if self._cache else None
        if kept is not None and kept.etag is not None:
            headers["If-None-Match"] = kept.etag
        elif kept is not None and kept.modified is not None:
            headers["If-Modified-Since"] = kept.modified
        place = asked
        for _ in range(_MAX_MOVES + 1):
            rest = self._last + self._pause - time.monotonic()
            if rest > 0:
                self._sleep(rest)
            self._last = time.monotonic()
            try:
                with self._client.stream("GET", place, headers=headers) as answer:
                    if answer.status_code in _MOVED:
                        place, headers = self._moved(asked, place, answer, headers)
                        continue
                    if answer.status_code == HTTPStatus.NOT_MODIFIED and kept is not None:
                        return Reply(str(asked), kept.body, kept.content_type, unchanged=True)
                    return self._whole(asked, answer)
            except httpx.TimeoutException as error:
                raise _AgainError("it did not answer in time", "Try later, or give a mirror by --base-url.") from error
            except httpx.ConnectError as error:
                raise _AgainError(
                    f"there is no connection to {place.host} ({error})",
                    "Check the network and the proxy (HTTPS_PROXY), or give a mirror that can be reached by "
                    "--base-url.",
                ) from error
            except httpx.RemoteProtocolError as error:
                raise _AgainError(f"the answer broke off ({error})", "Nothing was kept of it. Try later.") from error
            except httpx.TransportError as error:
                raise _AgainError(f"the connection failed ({error})", "Try later.") from error
        raise SourceError(
            f"{asked} leads from one address to another more than {_MAX_MOVES} times. Correct the address."
        )

    def _moved(
        self, asked: httpx.URL, place: httpx.URL, answer: httpx.Response, headers: dict[str, str]
    ) -> tuple[httpx.URL, dict[str, str]]:
        try:
            target = place.join(answer.headers.get("location", ""))
        except httpx.InvalidURL as error:
            raise SourceError(f"{asked} leads to something that is not an address ({error}). Try later.") from error
        if target.scheme != place.scheme and target.scheme != "https":
            raise SourceError(
                f"{asked} leads to {target}, from {place.scheme} to {target.scheme or 'nowhere'}; that is not "
                "followed. "
                f"Ask the publisher for the new address and give it by --base-url."
            )
        if target.host != place.host:
            headers = {k: v for k, v in headers.items() if k.lower() != "authorization"}
        return target, headers

    def _whole(self, asked: httpx.URL, answer: httpx.Response) -> Reply:
        status = answer.status_code
        if status != HTTPStatus.OK:
            self._refused(asked, answer)
        raw, read = _decoder(asked, answer.headers.get("content-encoding", "")), bytearray()
        for chunk in answer.iter_raw():
            read += raw.feed(chunk, self._limit + 1 - len(read))
            if len(read) > self._limit:
                raise SourceError(
                    f"{asked} is larger than {self._limit / 2**20:.0f} MiB; the rest was not read. "
                    f"Ask for less by --since and --until."
                )
        raw.end()
        kind = answer.headers.get("content-type", "")
        if self._cache is not None:
            validators = answer.headers.get("etag"), answer.headers.get("last-modified")
            self._cache.keep(str(asked), Kept(bytes(read), kind, *validators))
        return Reply(str(asked), bytes(read), kind)

    def _refused(self, asked: httpx.URL, answer: httpx.Response) -> None:
        status = answer.status_code
        said = _said(answer)
        named = f"{status} {answer.reason_phrase}".strip()
        if status in _AGAIN:
            busy = status == HTTPStatus.TOO_MANY_REQUESTS
            remedy = (
                "Fewer requests are allowed; run the same command later."
                if busy
                else "The source has trouble. Try later."
            )
            raise _AgainError(f"it answers {named}{said}", remedy, _retry_after(answer.headers.get("retry-after")))
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise AbsentError(
                f"{asked} is not there ({named}){said}. The publisher may have moved it: look at the source's "
                "terms page "
                f"(salus data pull --list) and give the new address by --base-url."
            )
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise SourceError(
                f"{asked} refuses ({named}){said}. Give a key where the source takes one (--option key=...), "
                f"ask for less at once, or ask the publisher."
            )
        raise SourceError(f"{asked} answers {named}{said}. Correct the request, or see whether the source has changed.")


class _Plain:
    """Content that came as it is."""

    def feed(self, chunk: bytes, room: int) -> bytes:
        return chunk[:room]

    def end(self) -> None:
        return None


class _Gzip:
    """Content that came compressed; a stream that ends early is an error, not a shorter file."""

    def __init__(self, asked: httpx.URL) -> None:
        self._asked, self._stream = asked, zlib.decompressobj(wbits=31)

    def feed(self, chunk: bytes, room: int) -> bytes:
        try:
            return self._stream.decompress(chunk, max(room, 1))
        except zlib.error as error:
            raise _AgainError(
                f"its compressed answer is damaged ({error})", "Nothing was kept of it. Try later."
            ) from error

    def end(self) -> None:
        if not self._stream.eof:
            raise _AgainError("the compressed answer broke off", "Nothing was kept of it. Try later.")


def _decoder(asked: httpx.URL, encoding: str) -> _Plain | _Gzip:
    named = encoding.strip().lower()
    if named in ("", "identity"):
        return _Plain()
    if named in ("gzip", "x-gzip"):
        return _Gzip(asked)
    raise SourceError(f"{asked} came compressed as '{encoding}', wanted gzip or none. Use another mirror.")


def _said(answer: httpx.Response) -> str:
    """Words that came with a refusal, in one short line."""
    raw = b""
    try:
        for chunk in answer.iter_bytes():
            raw += chunk
            if len(raw) > 2**16:
                break
    except httpx.DecodingError:
        return ""
    text = raw.decode("utf-8", errors="replace")
    try:
        note = json.loads(text)
    except ValueError:
        note = None
    if isinstance(note, dict):
        text = str(note.get("message") or note.get("error") or text)
    else:
        text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", text)
    line = " ".join(text.split())
    return f", saying '{line[:200]}'" if line else ""


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait by a ``Retry-After`` header, given in seconds or as a date."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds())
