"""make demo: a broker, HQ, one store with three lanes and 2,000 customers, and a simulated day.

Without --seconds it trades until Ctrl-C. With --seconds N it trades for N seconds, three faults among them, lets
the store drain and compares what was sent with what HQ holds. Then the store closes its day and HQ proves it. The exit
status is 0 when both agree.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time

from rig import Rig, until

SCALE = 40.0         # times faster than a real store
UNACKNOWLEDGED = 20  # events that must be on their way when something dies
DRAIN_S = 60


class Summary:
    """One line that is kept up to date on a terminal; a line a second elsewhere."""

    def __init__(self):
        self.live = sys.stdout.isatty()
        self.open = False

    def show(self, text):
        if not self.live:
            print(text, flush=True)
            return
        columns = shutil.get_terminal_size().columns - 1
        print("\r\x1b[K" + text[:columns], end="", flush=True)
        self.open = True

    def end(self):
        if self.open:
            print(flush=True)
        self.open = False


SUMMARY = Summary()


def say(text):
    SUMMARY.end()
    print(text, flush=True)


def summary_line(rig):
    s = rig.status()
    if s is None:
        return "the daemon is down"
    scans = s["counters"]["laneway_scans_total"]
    up = "reachable" if s["sync"]["reachable"] else "away"
    return (f"seq {s['seq']}  kept {s['journal']['events']}  confirmed {s['journal']['confirmed']}  scans {scans}  "
            f"HQ {up}  HQ holds {rig.hq_events()}  profiles {s['sync']['profiles']}")


def start(rig):
    say("setting up: keys, a broker, HQ, a store, 2,000 customers")
    rig.setup()
    rig.start_broker()
    rig.start_hq()
    say("  " + rig.import_customers().stdout.strip().splitlines()[-1])
    rig.start_daemon()
    until(lambda: (rig.status() or {}).get("sync", {}).get("profiles", 0) >= rig.customers, 30, "the shard to be filled")
    say("")
    for lane in rig.lanes:
        say(f"  lane {lane}:   http://127.0.0.1:{rig.http_port}/lane/{lane}")
    say(f"  the box:  {rig.build}/laneway --socket {rig.work}/api.sock status")
    say(f"  HQ:       {rig.build}/laneway-hq status -c {rig.work}/hq.conf")
    say(f"  logs:     {rig.logs}")
    say("")


class Faults:
    """The three faults of a short demo, at seeded moments."""

    def __init__(self, rig, seconds, dice):
        self.rig = rig
        self.plan = [(seconds * dice.uniform(0.20, 0.35), self.kill_broker),
                     (seconds * dice.uniform(0.50, 0.70), self.kill_daemon),
                     (seconds - 0.5, self.pause_hq)]

    def due(self, elapsed):
        while self.plan and elapsed >= self.plan[0][0]:
            self.plan.pop(0)[1]()

    def unconfirmed(self):
        s = self.rig.status()
        return s["journal"]["events"] - s["journal"]["confirmed"] if s else 0

    def kill_broker(self):
        """The broker dies with batches that it acknowledged and HQ never saw; it comes back empty."""
        self.rig.signal("hq", signal.SIGSTOP)
        until(lambda: self.unconfirmed() >= UNACKNOWLEDGED, 20, "events on their way")
        n = self.unconfirmed()
        self.rig.kill("broker")
        self.rig.signal("hq", signal.SIGCONT)
        time.sleep(0.5)
        self.rig.start_broker()
        say(f"  FAULT: the broker was killed with {n} events on their way; it restarted empty")

    def kill_daemon(self):
        self.rig.signal("hq", signal.SIGSTOP)
        until(lambda: self.unconfirmed() >= UNACKNOWLEDGED, 20, "events on their way")
        n = self.unconfirmed()
        self.rig.kill("daemon")
        self.rig.signal("hq", signal.SIGCONT)
        self.rig.start_daemon()
        say(f"  FAULT: the daemon was killed (SIGKILL) with {n} events on their way, and restarted")

    def pause_hq(self):
        """The last half second of trading reaches HQ only in lose_confirmation."""
        self.rig.signal("hq", signal.SIGSTOP)

    def lose_confirmation(self):
        """HQ dies after its commit and before it publishes; the store says nothing more until it sends again."""
        self.rig.kill("hq")
        self.rig.start_hq(die="after_commit:1")
        until(lambda: not self.rig.alive("hq"), 40, "HQ to die after its commit")
        held = self.rig.hq_events()
        self.rig.start_hq()
        say(f"  FAULT: HQ was killed after its commit ({held} events held) and before it confirmed")


def trade(rig, seconds, faults):
    begun = said = time.monotonic()
    while rig.alive("sim"):
        now = time.monotonic()
        if faults:
            faults.due(now - begun)
        if now - begun > (seconds or float("inf")) + 30:
            raise TimeoutError("the simulator does not end: some message is never answered")
        if now - said >= 1:
            said = now
            SUMMARY.show(summary_line(rig))
        time.sleep(0.1)


def timed(rig, seconds):
    faults = Faults(rig, seconds, random.Random(rig.seed))
    rig.start_sim(seconds, SCALE)
    trade(rig, seconds, faults)
    say("  trading: " + rig.log_of("sim").strip().splitlines()[-1])
    begun = time.monotonic()
    faults.lose_confirmation()
    until(rig.drained, DRAIN_S, "every event to be confirmed")
    say(f"  drained in {time.monotonic() - begun:.1f} s")
    until(lambda: applied(rig), 10, "HQ to have folded every event")
    result = rig.oracle()
    sys.stderr.write(result.stderr)
    say("comparison: " + result.stdout.strip())
    say("everything that was sent is at HQ, once, in order, with its person" if result.returncode == 0 else
        "THE COMPARISON FAILED")
    return prove(rig) or result.returncode


def prove(rig):
    """The store closes its day, HQ countersigns, and the day is recomputed from what HQ stores."""
    day = rig.close_day()
    until(lambda: rig.countersigned(day), DRAIN_S, "HQ to countersign the day")
    proof = rig.prove(day)
    say(f"\nthe store has closed {day}; laneway-hq prove {rig.store} {day}:\n" + proof.stdout.rstrip())
    sys.stderr.write(proof.stderr)
    return proof.returncode


def applied(rig):
    with rig.hq() as db:
        last = db.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
        return int(db.execute("SELECT value FROM meta WHERE name = 'applied'").fetchone()[0]) >= last


def stop(*_):
    raise KeyboardInterrupt


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=int, help="trade for this long, then compare")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep", help="work in this folder and leave it behind")
    args = p.parse_args()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, stop)
    with tempfile.TemporaryDirectory(prefix="laneway-demo-") as folder:
        rig = Rig(args.keep or folder, seed=args.seed, aim=True)
        if not args.seconds:
            rig.timezone, rig.day_cut = "Europe/Berlin", "04:00"
        try:
            start(rig)
            if args.seconds:
                return timed(rig, args.seconds)
            rig.start_sim(None, 4.0)
            trade(rig, None, None)
        except KeyboardInterrupt:
            say("\nstopping")
        finally:
            rig.stop_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
