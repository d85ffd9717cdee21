"""A real name server in this process that knows one record, and clients' resolver that asks it."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset


@contextmanager
def knowing(name: str, record: str) -> Generator[None]:
    """Let dnspython find this SRV record at this name, and nothing else."""
    found = dns.rrset.from_text(name, 60, "IN", "SRV", record)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        answering = threading.Thread(target=_answer, args=(server, found))
        answering.start()
        before = dns.resolver.default_resolver
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
        dns.resolver.default_resolver = resolver
        try:
            yield
        finally:
            dns.resolver.default_resolver = before
            server.sendto(b"", server.getsockname())  # nobody else sends nothing: the end
            answering.join()


def _answer(server: socket.socket, found: dns.rrset.RRset) -> None:
    while True:
        data, peer = server.recvfrom(4096)
        if not data:
            return
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        if query.question[0].match(found.name, found.rdclass, found.rdtype, found.covers):
            answer.answer.append(found)
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        server.sendto(answer.to_wire(), peer)
