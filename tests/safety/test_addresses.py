"""Which addresses are of the public internet."""

from __future__ import annotations

import pytest

from xplatform.core.addresses import is_own_machine, is_public, read_address, read_allowed
from xplatform.core.config import ConfigError

PRIVATE = """
    0.0.0.0 10.0.0.1 127.0.0.1 127.255.255.254 100.64.0.1 100.100.100.200 169.254.169.254
    172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.168.1.1 198.18.0.1 203.0.113.9
    224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16 192.88.99.1
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001:db8::1 2001:0:1::1 2002:7f00:1::1
    fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1
""".split()

PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1
    192.169.0.1 223.255.255.254 ::ffff:8.8.8.8 64:ff9b::808:808 2606:4700:4700::1111
""".split()


@pytest.mark.parametrize("text", PRIVATE)
def test_not_public(text: str) -> None:
    assert not is_public(read_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    assert is_public(read_address(text))


def test_this_machine_itself() -> None:
    own = ("localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1")
    others = ("", "10.0.0.1", "0.0.0.0", "::", "::ffff:10.0.0.1", "localhost.example.com", "unix:")
    assert [host for host in (*own, *others) if is_own_machine(host)] == list(own)


def test_what_the_operator_allows() -> None:
    allowed = read_allowed("files.example.com, *.Corp.example,10.1.0.0/16,[fd00::/8]")
    assert allowed.host("files.example.com")
    assert allowed.host("a.b.corp.example")
    assert not allowed.host("corp.example")
    assert not allowed.host("xfiles.example.com")
    for inside in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::5"):
        assert allowed.address(read_address(inside))
    assert not allowed.address(read_address("10.2.0.1"))
    assert not read_allowed("").host("anything")


@pytest.mark.parametrize("text", ["http://files.example.com", "a*.example.com", "10.0.0.0/99"])
def test_a_wrong_list_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="fetch_allow"):
        read_allowed(text)
