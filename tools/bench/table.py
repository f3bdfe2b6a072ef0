"""What the rows of the bench share: running, measuring, printing."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "demo"), str(Path(__file__).resolve().parents[2] / "tests/system")]


class Figures:
    """One figure of each of some interleaved runs."""

    def __init__(self, values):
        self.values = sorted(values)

    @property
    def median(self):
        return statistics.median(self.values)

    def text(self, form="{:.2f}"):
        if len(self.values) == 1:
            return form.format(self.values[0])
        return f"{form.format(self.median)} ({form.format(self.values[0])} to {form.format(self.values[-1])})"

    def json(self):
        return {"median": self.median, "min": self.values[0], "max": self.values[-1], "runs": len(self.values)}


class Report:
    """Tables for people as they are measured; everything as JSON at the end."""

    def __init__(self, out):
        self.out, self.all = out, {}

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def table(self, name, title, head, rows):
        """rows: lists of texts, numbers, or (Figures, form)."""
        self.all[name] = [{h: c[0].json() if isinstance(c, tuple) else c for h, c in zip(head, row)} for row in rows]
        cells = [[c[0].text(c[1]) if isinstance(c, tuple) else str(c) for c in row] for row in rows]
        widths = [max(len(r[i]) for r in [head, *cells]) for i in range(len(head))]
        print(f"\n{title}\n", file=self.out)
        for row in [head, ["-" * w for w in widths], *cells]:
            print("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip(), file=self.out)
        self.out.flush()


class Tool:
    """laneway-bench."""

    def __init__(self, build):
        self.exe = str(Path(build).resolve() / "laneway-bench")

    def __call__(self, name, **options):
        out = subprocess.run([self.exe, name, *(f"{k}={v}" for k, v in options.items())], text=True, capture_output=True)
        if out.returncode:
            raise RuntimeError(f"laneway-bench {name} {options}: {out.stderr}")
        return json.loads(out.stdout)


def rss_anon_kib(process):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


def cpu_seconds(process):
    f = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / 100
