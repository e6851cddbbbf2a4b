"""Polite HTTP: retries, waits, conditional requests, and nothing half-read."""

from __future__ import annotations

import datetime as dt
import email.utils
import socket

import pytest

from salus.errors import SourceError
from salus.sources.pull.cache import Cache, Kept, default_folder
from salus.sources.pull.fetch import AbsentError, Fetch


def test_names_itself_and_hands_over_the_whole_content(server, fetch, reply):
    server.routes["/a"] = reply("week,value\n", headers={"Content-Type": "text/csv"})
    got = fetch.get(server.url + "/a", {"$limit": 5})
    assert (got.body, got.content_type, got.unchanged) == (b"week,value\n", "text/csv", False)
    _, query, headers = server.asked[0]
    assert query == {"$limit": "5"}
    assert headers["user-agent"].startswith("salus/")
    assert headers["accept-encoding"] == "gzip"


def test_429_then_success_waits_as_long_as_asked(server, fetch, reply, waits):
    server.routes["/a"] = [reply("slow down", 429, {"Retry-After": "7"}), reply("x")]
    assert fetch.get(server.url + "/a").body == b"x"
    assert waits == [7.0]


def test_retry_after_as_a_date(server, fetch, reply, waits):
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    server.routes["/a"] = [reply("", 503, {"Retry-After": email.utils.format_datetime(moment)}), reply("x")]
    assert fetch.get(server.url + "/a").body == b"x"
    assert 55 < waits[0] <= 60


def test_429_for_ever_is_one_message(server, fetch, reply, waits):
    server.routes["/a"] = reply('{"message": "Throttled until tomorrow"}', 429)
    with pytest.raises(
        SourceError, match=r"in 5 tries: it answers 429 Too Many Requests, saying 'Throttled until tomorrow'\. Fewer"
    ):
        fetch.get(server.url + "/a")
    assert len(server.asked) == 5
    assert all(1.0 * 2**k <= wait <= 1.5 * 2**k for k, wait in enumerate(waits))
    assert len(waits) == 4


def test_a_wait_that_is_too_long_is_not_waited_for(server, fetch, reply, waits):
    server.routes["/a"] = reply("", 429, {"Retry-After": "3600"})
    with pytest.raises(SourceError, match=r"asks to wait 3600 seconds .*Run the same command after that"):
        fetch.get(server.url + "/a")
    assert (len(server.asked), waits) == (1, [])


def test_500_then_success_and_500_for_ever(server, fetch, reply):
    server.routes["/a"] = [reply("", 500), reply("", 502), reply("x")]
    assert fetch.get(server.url + "/a").body == b"x"
    server.routes["/b"] = reply("<html><body><h1>Bad</h1> Gateway</body></html>", 502)
    with pytest.raises(SourceError, match=r"502 Bad Gateway, saying 'Bad Gateway'.*The source has trouble"):
        fetch.get(server.url + "/b")


@pytest.mark.parametrize("status", [404, 410])
def test_absent_is_not_asked_again(server, fetch, reply, status):
    server.routes["/a"] = reply("", status)
    with pytest.raises(AbsentError, match="is not there"):
        fetch.get(server.url + "/a")
    assert len(server.asked) == 1


@pytest.mark.parametrize(("status", "remedy"), [(401, "Give a key"), (403, "Give a key"), (400, "Correct the request")])
def test_refusals_are_not_asked_again_and_say_what_to_do(server, fetch, reply, status, remedy):
    server.routes["/a"] = reply('{"errorCode": "query.soql.no-such-column", "message": "No such column: x"}', status)
    with pytest.raises(SourceError, match=f"No such column: x.*{remedy}"):
        fetch.get(server.url + "/a")
    assert len(server.asked) == 1


def test_truncated_body_is_tried_again(server, fetch, reply):
    server.routes["/a"] = [reply("0123456789", cut=4), reply("0123456789")]
    assert fetch.get(server.url + "/a").body == b"0123456789"


def test_truncated_body_for_ever_is_an_error(server, fetch, reply):
    server.routes["/a"] = reply("0123456789", cut=4)
    with pytest.raises(SourceError, match=r"the answer broke off.*Nothing was kept of it"):
        fetch.get(server.url + "/a")


def test_gzip(server, fetch, reply, forms):
    server.routes["/a"] = reply(forms["gz"]("a,b\n" * 1000), headers={"Content-Encoding": "gzip"})
    assert fetch.get(server.url + "/a").body == b"a,b\n" * 1000


def test_gzip_that_ends_early_or_is_damaged_is_an_error(server, fetch, reply, forms):
    packed = forms["gz"]("a,b\n" * 1000)
    server.routes["/a"] = reply(packed[:-12], headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceError, match="the compressed answer broke off"):
        fetch.get(server.url + "/a")
    server.routes["/b"] = reply(b"no gzip at all", headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceError, match="its compressed answer is damaged"):
        fetch.get(server.url + "/b")


def test_other_compression_is_refused(server, fetch, reply):
    server.routes["/a"] = reply(b"x", headers={"Content-Encoding": "br"})
    with pytest.raises(SourceError, match="came compressed as 'br', wanted gzip or none"):
        fetch.get(server.url + "/a")


def test_too_large_is_not_read_and_a_bomb_is_not_unpacked(server, reply, forms):
    server.routes["/a"] = reply(b"x" * 5000)
    server.routes["/b"] = reply(forms["gz"]("x" * 50_000_000), headers={"Content-Encoding": "gzip"})
    with Fetch(limit=2**12, pause=0) as fetch:
        for path in ("/a", "/b"):
            with pytest.raises(SourceError, match="is larger than 0 MiB; the rest was not read"):
                fetch.get(server.url + path)


def test_content_of_just_the_limit_is_read(server, reply, forms):
    server.routes["/a"] = reply(forms["gz"]("x" * 4096), headers={"Content-Encoding": "gzip"})
    with Fetch(limit=4096, pause=0) as fetch:
        assert len(fetch.get(server.url + "/a").body) == 4096


def test_redirects_are_followed_within_http_only(server, fetch, reply):
    server.routes["/a"] = reply("", 302, {"Location": "/b"})
    server.routes["/b"] = reply("x")
    assert fetch.get(server.url + "/a").body == b"x"
    server.routes["/c"] = reply("", 302, {"Location": "file:///etc/hostname"})
    with pytest.raises(SourceError, match=r"leads to file:/+etc/hostname, from http to file; that is not followed"):
        fetch.get(server.url + "/c")
    server.routes["/d"] = reply("", 301, {"Location": "/d"})
    with pytest.raises(SourceError, match="more than 5 times"):
        fetch.get(server.url + "/d")


def test_authorisation_does_not_travel_to_another_host(server, fetch, reply):
    other = server.url.replace("127.0.0.1", "localhost")
    server.routes["/a"] = reply("", 302, {"Location": other + "/b"})
    server.routes["/b"] = reply("x")
    fetch.get(server.url + "/a", headers={"Authorization": "Bearer s"})
    assert server.asked[0][2]["authorization"] == "Bearer s"
    assert "authorization" not in server.asked[1][2]


def test_offline_is_one_clear_message(waits):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with (
            Fetch(pause=0, sleep=waits.append, attempts=2) as fetch,
            pytest.raises(SourceError, match=r"there is no connection to 127.0.0.1.*Check the network and the proxy"),
        ):
            fetch.get(f"http://127.0.0.1:{port}/a")
    assert len(waits) == 1


def test_silence_times_out(waits):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with (
            Fetch(pause=0, timeout=0.2, attempts=1, sleep=waits.append) as fetch,
            pytest.raises(SourceError, match=r"in 1 try: it did not answer in time"),
        ):
            fetch.get(f"http://127.0.0.1:{mute.getsockname()[1]}/a")


@pytest.mark.parametrize("address", ["ftp://x/y", "file:///etc/hostname"])
def test_other_schemes_are_refused(fetch, address):
    with pytest.raises(SourceError, match="wanted http or https"):
        fetch.get(address)


def test_unchanged_file_is_asked_for_conditionally(server, reply, tmp_path):
    server.routes["/a"] = reply("v1", headers={"ETag": '"1"', "Content-Type": "text/csv"})
    for _ in range(2):
        with Fetch(tmp_path / "kept", pause=0) as fetch:
            got = fetch.get(server.url + "/a", {"q": "1"})
    assert (got.body, got.content_type, got.unchanged) == (b"v1", "text/csv", True)
    assert server.asked[1][2]["if-none-match"] == '"1"'
    server.routes["/a"] = reply("v2", headers={"ETag": '"2"'})
    with Fetch(tmp_path / "kept", pause=0) as fetch:
        assert fetch.get(server.url + "/a", {"q": "1"}).body == b"v2"
        assert fetch.get(server.url + "/a", {"q": "2"}).unchanged is False


def test_last_modified_is_used_where_there_is_no_etag(server, reply, tmp_path):
    server.routes["/a"] = reply("v1", headers={"Last-Modified": "Wed, 20 Nov 2024 10:00:00 GMT"})
    with Fetch(tmp_path, pause=0) as fetch:
        fetch.get(server.url + "/a")
        fetch.get(server.url + "/a")
    assert server.asked[1][2]["if-modified-since"] == "Wed, 20 Nov 2024 10:00:00 GMT"


def test_half_an_answer_is_never_kept(server, reply, tmp_path, waits):
    server.routes["/a"] = reply("0123456789", headers={"ETag": '"1"'}, cut=4)
    with Fetch(tmp_path, pause=0, sleep=waits.append) as fetch, pytest.raises(SourceError):
        fetch.get(server.url + "/a")
    assert list(tmp_path.iterdir()) == []


def test_damaged_cache_is_fetched_anew(tmp_path):
    cache = Cache(tmp_path)
    cache.keep("http://x/a", Kept(b"good", "", '"1"', None))
    next(tmp_path.glob("*.body")).write_bytes(b"bad!")
    assert cache.find("http://x/a") is None
    assert cache.find("http://x/b") is None
    cache.keep("http://x/c", Kept(b"no validators", "", None, None))
    assert cache.find("http://x/c") is None


def test_default_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "salus" / "pull"


def test_pause_between_requests(server, reply, waits):
    server.routes["/a"] = reply("x")
    with Fetch(pause=60, sleep=waits.append) as fetch:
        fetch.get(server.url + "/a")
        fetch.get(server.url + "/a")
    assert len(waits) == 1
    assert 50 < waits[0] <= 60
