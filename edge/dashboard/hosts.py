"""Under which names and addresses the page may be reached."""

import ipaddress
import re
import socket
from collections.abc import Iterable
from pathlib import Path

LOCAL = ("localhost", "127.0.0.1", "[::1]")
_PORT = re.compile(r":[0-9]{1,5}$")
_IPV4_ROUTES = Path("/proc/net/fib_trie")
_IPV6_ADDRESSES = Path("/proc/net/if_inet6")
_OWN_IPV4 = re.compile(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL")


class Hosts:
    """The names a request may call this device by; any other is refused (DNS rebinding).

    Args:
        names: Further ones, such as "sorter.local".
        bound: The address it listens on; one that stands for all makes all its own addresses
            names, also those it gets later, and its host name besides.
    """

    def __init__(self, names: Iterable[str] = (), bound: str = "127.0.0.1") -> None:
        address = ipaddress.ip_address(bound)
        self._everywhere = address.is_unspecified
        self._names = {name.lower() for name in (*LOCAL, *names)}
        if not self._everywhere:
            self._names.add(_bracketed(address))
        else:
            own = socket.gethostname().lower()
            self._names |= {own, f"{own.split('.')[0]}.local"}

    def trusts(self, host: str) -> bool:
        """Whether a Host header, with or without a port, means this device."""
        name = _PORT.sub("", host).lower()
        if name in self._names:
            return True
        if not self._everywhere:
            return False
        try:
            address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return address in own_addresses()


def own_addresses() -> frozenset[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The addresses of this machine's network interfaces, now; on Linux, elsewhere none."""
    found: set[ipaddress.IPv4Address | ipaddress.IPv6Address] = set()
    if _IPV4_ROUTES.exists():
        routes = _IPV4_ROUTES.read_text(encoding="ascii")
        found.update(ipaddress.IPv4Address(text) for text in _OWN_IPV4.findall(routes))
    if _IPV6_ADDRESSES.exists():
        for line in _IPV6_ADDRESSES.read_text(encoding="ascii").splitlines():
            found.add(ipaddress.IPv6Address(int(line.split()[0], 16)))
    return frozenset(found)


def _bracketed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)
