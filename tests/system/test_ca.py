"""The broker and the certificates of `laneway-hq ca`, the real ones: a store has its own topics, no others."""

import os
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from peer import WAIT_S, Peer
from rig import free_port

pytestmark = pytest.mark.xdist_group("ca")

BUILD = os.environ.get("LANEWAY_BUILD", "build")
HQ = os.path.abspath(os.path.join(BUILD, "laneway-hq"))


def ca(*words):
    return subprocess.run([HQ, "ca", *map(str, words)], check=True, capture_output=True, text=True).stdout


class Fleet:
    def __init__(self, top):
        self.dir = top / "ca"
        self.port = free_port()
        ca("init", self.dir)
        for store in ("s1", "s2"):
            ca("device", self.dir, store, "d1")
        (top / "acl").write_text(ca("acl", self.dir))
        (top / "acl").chmod(0o700)
        conf = top / "mosquitto.conf"
        conf.write_text(
            f"listener {self.port} 127.0.0.1\npersistence false\nallow_anonymous false\n"
            f"cafile {self.dir}/root.crt\ncertfile {self.dir}/broker.crt\nkeyfile {self.dir}/broker.key\n"
            f"require_certificate true\nuse_identity_as_username true\nacl_file {top}/acl\n"
            "log_dest stderr\n"
            + ("user root\n" if os.geteuid() == 0 else "")
        )
        path = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
        self.log = []
        self.broker = subprocess.Popen([path, "-c", str(conf)], stderr=subprocess.PIPE, text=True)
        running = threading.Event()

        def read():
            for line in self.broker.stderr:
                self.log.append(line)
                if " running" in line:
                    running.set()

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        assert running.wait(WAIT_S), "".join(self.log)

    def stop(self):
        self.broker.terminate()
        self.broker.wait(WAIT_S)
        self.reader.join(WAIT_S)

    def device(self, store):
        folder = self.dir / "stores" / store / "d1"
        return Peer(self.port, self.dir / "root.crt", f"{store}-d1", folder / "tls.crt", folder / "tls.key")

    def hq(self):
        return Peer(self.port, self.dir / "root.crt", "laneway-hq", self.dir / "hq.crt", self.dir / "hq.key")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    f = Fleet(tmp_path_factory.mktemp("ca"))
    yield f
    f.stop()


@pytest.fixture
def clients(fleet):
    opened = []

    def open_as(make, *args):
        client = make(*args)
        opened.append(client)
        return client

    yield open_as
    for client in opened:
        client.close()


def test_a_store_writes_up_and_ask_of_its_own_and_nothing_else(fleet, clients):
    hq, s1 = clients(fleet.hq), clients(fleet.device, "s1")
    other = clients(fleet.device, "s2")
    hq.subscribe("laneway/1/+/up", "laneway/1/+/ask")
    other.subscribe("laneway/1/s2/confirm", "laneway/1/s2/tell", "laneway/1/s2/poke")
    for topic in ("s2/up", "s2/ask", "s2/confirm", "s2/tell", "s2/poke", "s1/confirm", "laneway.hq/up"):
        s1.publish(f"laneway/1/{topic}", b"forged")
    s1.publish("laneway/1/s1/ask", b"mine")
    s1.publish("laneway/1/s1/up", b"mine, last")
    hq.wait_for("laneway/1/s1/up", b"mine, last")
    assert hq.heard == [("laneway/1/s1/ask", b"mine"), ("laneway/1/s1/up", b"mine, last")]
    hq.publish("laneway/1/s2/poke", b"real")
    other.wait_for("laneway/1/s2/poke", b"real")
    assert other.heard == [("laneway/1/s2/poke", b"real")]


def test_a_store_hears_what_is_for_it_and_nothing_else(fleet, clients):
    hq, s1 = clients(fleet.hq), clients(fleet.device, "s1")
    s1.subscribe("laneway/1/s1/confirm", "laneway/1/s1/tell", "laneway/1/s1/poke")
    s1.subscribe("laneway/1/s2/confirm", "laneway/1/+/tell", "laneway/1/#", "#", "laneway/1/s1/up")
    for store in ("s2", "s1"):
        for what in ("confirm", "tell", "poke"):
            hq.publish(f"laneway/1/{store}/{what}", what.encode())
    s1.wait_for("laneway/1/s1/poke", b"poke")
    assert {topic for topic, _ in s1.heard} == {f"laneway/1/s1/{w}" for w in ("confirm", "tell", "poke")}


def refused_by_broker(fleet, crt, key):
    """True if the broker ends the connection before or at the first packet."""
    context = ssl.create_default_context(cafile=str(fleet.dir / "root.crt"))
    context.load_cert_chain(str(crt), str(key))
    try:
        with socket.create_connection(("127.0.0.1", fleet.port), WAIT_S) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as tls:
                tls.sendall(bytes.fromhex("100e00044d515454040200050002") + b"s2")
                return tls.recv(4) == b""
    except (ssl.SSLError, ConnectionError):
        return True


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def forge(fleet, folder, signer_crt, signer_key, cn):
    """A client certificate for this common name by whoever holds this signer."""
    key, csr, crt, ext = (folder / f"{cn}.{e}" for e in ("key", "csr", "crt", "ext"))
    ext.write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", csr, "-subj", f"/O=Laneway/CN={cn}/serialNumber=d1")
    openssl("x509", "-req", "-in", csr, "-CA", signer_crt, "-CAkey", signer_key, "-set_serial", "77",
            "-days", "30", "-extfile", ext, "-out", crt)
    crt.write_text(crt.read_text() + signer_crt.read_text())
    return crt, key


def test_a_certificate_for_another_store_by_a_stolen_intermediate_is_refused(fleet, tmp_path):
    store = fleet.dir / "stores" / "s1"
    own = forge(fleet, tmp_path, store / "store.crt", store / "store.key", "s1")
    assert not refused_by_broker(fleet, *own)
    for cn in ("s2", "laneway.hq"):
        assert refused_by_broker(fleet, *forge(fleet, tmp_path, store / "store.crt", store / "store.key", cn))


def test_a_certificate_by_another_root_is_refused(fleet, tmp_path):
    ca("device", fleet.dir, "s3", "d1")
    folder = fleet.dir / "stores" / "s3" / "d1"
    assert not refused_by_broker(fleet, folder / "tls.crt", folder / "tls.key")
    other = tmp_path / "other"
    ca("init", other)
    ca("device", other, "s3", "d1")
    folder = other / "stores" / "s3" / "d1"
    assert refused_by_broker(fleet, folder / "tls.crt", folder / "tls.key")


def test_without_a_certificate_nobody_gets_in(fleet):
    context = ssl.create_default_context(cafile=str(fleet.dir / "root.crt"))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with socket.create_connection(("127.0.0.1", fleet.port), WAIT_S) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as tls:
                tls.sendall(bytes.fromhex("100e00044d515454040200050002") + b"s1")
                if tls.recv(4) == b"":
                    raise ConnectionError("closed")
