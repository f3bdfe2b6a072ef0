"""Clocks that are wrong: the real daemon on a machine whose clocks jump, boot in 1970, or lie. The truth is the
machine that the test runs on, HQ and broker live in it."""

import json
import os
import subprocess
import time

import pytest
from machine import YEAR_S, Machine, build_shim
from rig import until
from store import Till, applied, hq_lines, lane

pytestmark = pytest.mark.takes(20)


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def world(make_rig, shim):
    """Broker and HQ run; the store's machine has not been switched on."""
    rig = make_rig(customers=5)
    rig.start_broker()
    rig.start_hq()
    rig.import_customers()
    machine = Machine(rig, shim)
    machine.boot()
    return rig, machine


def times(rig):
    """What HQ says of each event's time, by messageId."""
    until(lambda: applied(rig), 20, "HQ to fold")
    with rig.hq() as db:
        db.row_factory = lambda c, row: dict(zip([d[0] for d in c.description], row))
        rows = list(db.execute("SELECT * FROM event_times"))
    return {f"{r['store']}:{r['epoch']}:{r['seq']}": r for r in rows}


def hq_status(rig):
    return json.loads(rig.tool("laneway-hq", "status", "--json", "-c", rig.work / "hq.conf").stdout)


class Seller:
    """Sells, and notes when: the truth that events are compared with."""

    def __init__(self, rig):
        self.rig, self.sold, self.n = rig, {}, 0

    def sell(self):
        self.n += 1
        till = Till(self.rig, "T1", "1", f"s{self.n}")
        at = time.time()
        kept = till.sale(f"B{self.n}", f"R{self.n}")
        self.sold[f"{self.rig.store}:{kept['epoch']}:{kept['seq']}"] = (at, time.time())
        till.close()
        return kept

    def check(self, statuses):
        """Every order is at HQ with the expected status, in order of sale, and the truth within what HQ says of it."""
        until(self.rig.drained, 40, "everything to be confirmed")
        # The daemon looks at its clock once a second: its trusted point may still be on its way.
        def settled():
            said = times(self.rig)
            got = [said[n]["status"] for n in self.sold if n in said]
            return got == statuses and all(said[n]["error_us"] or said[n]["status"] == "interval" for n in self.sold)

        try:
            until(settled, 20, f"{statuses}")
        except TimeoutError as e:
            raise AssertionError([times(self.rig).get(n) for n in self.sold]) from e
        said = times(self.rig)
        for name, (before, after) in self.sold.items():
            t = said[name]
            lo, hi = t["earliest_us"], t["latest_us"]
            if t["status"] == "trusted":
                lo, hi = t["time_us"] - t["error_us"], t["time_us"] + t["error_us"]
            assert lo / 1e6 - 0.01 <= after and before <= hi / 1e6 + 0.01, (t, before, after)


def bound_s(rig, name):
    return times(rig)[name]["error_us"] / 1e6


def test_01_a_boot_in_1970_is_repaired_once_hq_has_been_heard(world):
    """Goal: a box without a clock sells without network, then meets HQ; the times of all its sales come out right."""
    rig, machine = world
    rig.stop("broker")
    machine.shows(20)
    machine.start()
    assert machine.clock()["trust"] == "none"
    status = rig.tool("laneway", "--socket", rig.work / "api.sock", "status", check=False)
    assert status.returncode == 1 and "nobody has said what time it is" in status.stdout
    seller = Seller(rig)
    seller.sell()
    rig.start_broker()
    clock = machine.wait_trust("hq", 40)
    assert abs(clock["machine_ahead_ms"] / 1000 + time.time() - 20) < 60 and clock["certificates_checked"]
    seller.sell()
    seller.check(["interpolated", "trusted"])
    assert all(bound_s(rig, name) < 3 for name in seller.sold)
    points = hq_lines(rig, "Clock Repaired")
    assert [p["properties"]["source"] for p in points] == ["hq"]
    assert abs(points[0]["properties"]["offset"] / 1e6 - time.time()) < 120
    # what was journaled in 1970 has the business date that is known to have come, not one of 1970
    assert not [e for e in hq_lines(rig) if e["context"]["laneway"]["business_date"] < "2026"]
    assert "times of" in rig.tool("laneway-hq", "status", "-c", rig.work / "hq.conf").stdout


JUMPS = [(10, True), (-50, False)] + ([(10, False), (-50, True)] if os.environ.get("LANEWAY_LONG") else [])


@pytest.mark.parametrize("years,synced", JUMPS)
def test_02_a_jump_moves_nothing_and_bricks_nothing(world, years, synced):
    """Goal: the clock jumps under the running daemon; sales, the resend window, the screens and the uplink go on, also
    over a new connection and a restart."""
    rig, machine = world
    machine.synced(True)
    machine.start()
    machine.wait_trust("kernel")
    until(lambda: machine.clock()["certificates_checked"], 20, "the certificates to be checked")
    seller = Seller(rig)
    first = seller.sell()
    machine.synced(synced)
    machine.ahead(years * YEAR_S)
    seller.sell()
    # it looks at its clock once a second
    until(lambda: rig.status()["counters"]["laneway_clock_steps_total"] >= 1, 10, "the jump to be seen")
    rig.kill("broker")
    rig.start_broker()
    until(lambda: not rig.status()["sync"]["connected"] or rig.status()["sync"]["reachable"], 10, "a look")
    until(lambda: rig.status()["sync"]["connected"], 30, "a new connection")
    machine.wait_trust("hq")
    seller.sell()
    # a message of before the jump is answered as then: its id has not aged
    till = Till(rig, "T1", "1", "s1")
    again = [till.kept("basket_opened", basket="B1"), till.kept("line_added", **till.line("B1")),
             till.kept("tender_started", basket="B1", value="1.49"),
             till.kept("order_completed", **till.order("B1", "R1"))][-1]
    assert (again["epoch"], again["seq"]) == (first["epoch"], first["seq"])
    assert lane(rig)["fresh"]["level"] == "now"
    machine.rig.stop("daemon")
    machine.start()
    machine.wait_trust("hq")
    seller.sell()
    seller.check(["trusted"] * 4)
    assert machine.rig.tool("laneway", "--socket", rig.work / "api.sock", "journal", "verify", check=False).returncode == 0


def test_03_a_boot_ten_years_ahead_that_calls_itself_synchronised(world):
    """Goal: no certificate is good at that time, and yet the box finds out what time it is: from HQ alone."""
    rig, machine = world
    machine.synced(True)
    machine.ahead(10 * YEAR_S)
    rig.stop("broker")
    machine.start()
    seller = Seller(rig)
    seller.sell()
    assert machine.clock()["trust"] == "kernel"
    rig.start_broker()
    clock = machine.wait_trust("hq", 40)
    assert clock["kernel_differs_ms"] > 9 * YEAR_S * 1000
    log = rig.log_of("daemon")
    assert "do not fit the machine's clock" in log and log.count("ALARM: clock") == 1
    seller.sell()
    seller.check(["interpolated", "trusted"])
    problem = rig.tool("laneway", "--socket", rig.work / "api.sock", "status", check=False).stdout
    assert "from HQ's time, which is used" in problem
    alarms = [a for a in hq_status(rig)["alarms"] if a["kind"] == "clock"]
    assert len(alarms) == 1 and "the store trusted a clock that was +31536" in alarms[0]["detail"], alarms


def test_04_three_reboots_without_network(world):
    """Goal: boots that never met trusted time are placed between those that did, and nothing is lost."""
    rig, machine = world
    machine.start()
    machine.wait_trust("hq")
    seller = Seller(rig)
    seller.sell()
    until(rig.drained, 20, "everything to be confirmed")
    rig.kill("broker")
    for _ in range(3):
        machine.shows(5)
        machine.power_cycle()
        assert machine.clock()["trust"] == "none" and machine.clock()["last_trusted"] > "2026"
        fresh = lane(rig)["fresh"]
        assert fresh["level"] == "amber" and fresh["age_s"] >= 86400
        seller.sell()
    machine.power_cycle()
    rig.start_broker()
    machine.wait_trust("hq", 60)
    seller.sell()
    seller.check(["trusted", "interval", "interval", "interval", "trusted"])
    spans = [t for t in times(rig).values() if t["status"] == "interval"]
    assert all(t["latest_us"] - t["earliest_us"] < 300e6 and t["time_us"] is None for t in spans)
    with rig.hq() as db:
        assert db.execute("SELECT count(*) FROM sale").fetchone()[0] == 5
    assert "never met trusted time" in rig.tool("laneway-hq", "status", "-c", rig.work / "hq.conf").stdout


def test_05_an_expired_certificate_ends_the_connection_once_the_time_is_known(make_rig, shim):
    """Goal: what TLS lets in while no time is trusted does not stay once HQ has said what time it is."""
    rig = make_rig(customers=5)
    end = int(time.time()) + 12
    broker = rig.keys / "broker"
    for command in (["req", "-new", "-key", f"{broker}.key", "-subj", "/O=Laneway/CN=broker", "-out", f"{broker}.csr"],
                    ["ca", "-batch", "-config", rig.work / "ca.cnf", "-in", f"{broker}.csr", "-out", f"{broker}.crt",
                     "-notext", "-enddate", time.strftime("%Y%m%d%H%M%SZ", time.gmtime(end))]):
        if command[0] == "ca":
            (rig.work / "index").write_text("")
            (rig.work / "ca.cnf").write_text(
                f"[ca]\ndefault_ca=d\n[d]\ndatabase={rig.work}/index\nnew_certs_dir={rig.work}\nrand_serial=yes\n"
                f"certificate={rig.keys}/root.crt\nprivate_key={rig.keys}/root.key\ndefault_md=sha256\npolicy=p\n"
                "x509_extensions=x\n[p]\norganizationName=optional\ncommonName=supplied\n"
                "[x]\nsubjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    rig.start_broker()
    rig.start_hq()
    until(lambda: "connected" in rig.log_of("hq"), 8, "HQ to be connected")
    machine = Machine(rig, shim)
    machine.boot()
    machine.shows(5)
    time.sleep(max(0, end + 1 - time.time()))
    machine.start()
    until(lambda: "certificates are not good at the time now known" in rig.log_of("daemon"), 30, "the alarm")
    until(lambda: not rig.status()["sync"]["connected"], 10, "the connection to be closed")
    assert machine.clock()["certificates_checked"] is None


def test_06_a_synchronised_clock_an_hour_off_hqs_is_not_believed(world):
    """Goal: HQ's word, signed, wins over a kernel that follows somebody unsigned; both sides show it."""
    rig, machine = world
    machine.synced(True)
    machine.ahead(3600)
    machine.start()
    seller = Seller(rig)
    clock = machine.wait_trust("hq", 40)
    assert 3590e3 < clock["kernel_differs_ms"] < 3610e3 and 3590e3 < clock["machine_ahead_ms"] < 3610e3
    seller.sell()
    machine.ahead(0)
    machine.wait_trust("kernel")
    seller.sell()
    seller.check(["trusted", "trusted"])
    assert [a["kind"] for a in hq_status(rig)["alarms"]] == ["clock"]
