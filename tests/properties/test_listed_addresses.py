"""Addresses of files for stock clients: below their prefix, and the whole name, whatever it is."""

from __future__ import annotations

from urllib.parse import unquote, urljoin, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from shared.model.kinds import Kind
from shared.resourcesync.set_addresses import SetAddresses
from tests.support.stock_clients.rules import URI

PLACES = SetAddresses(download_url="http://data.org")
# Names of files on Linux; half characters cannot stand in one.
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def is_odd(path: str) -> bool:
    return not {".", ".."}.isdisjoint(path.split("/"))


@given(PATHS)
def test_an_address_leads_to_its_file_and_to_no_other_place(path: str) -> None:
    prefix = "/resourcesync/files/data-sets/1-2/"
    address = PLACES.data_set_file("1-2", path, is_afs=False)
    assert (address is None) == is_odd(path)
    if address is None:
        return
    # Clients that resolve addresses change nothing.
    assert urljoin("http://data.org/a/b", address) == address
    assert URI.fullmatch(address)
    found = urlsplit(address).path
    assert found.startswith(prefix)
    assert unquote(found.removeprefix(prefix)) == path


@given(PATHS)
def test_the_name_of_an_attachment_is_one_segment(name: str) -> None:
    address = PLACES.attachment(Kind.SAMPLE, "1-2", 3, name)
    assert (address is None) == is_odd(name)
    if address is not None:
        assert unquote(urlsplit(address).path.split("/")[-1]) == name
        assert urlsplit(address).path.count("/") == 7
