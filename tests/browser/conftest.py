"""A Chromium of its own for these tests, and a server that plays the box for the lane screen."""

import http.server
import json
import os
import pathlib
import queue
import tempfile
import threading

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

UI = pathlib.Path(__file__).resolve().parents[2] / "daemon" / "serve" / "ui"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
 --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --force-device-scale-factor=1""".split()


class Box:
    """Speaks the lane's part of the API: a page, a stream, two keys."""

    def __init__(self):
        self.view = None
        self.posts = queue.Queue()
        self.refuse = None  # a message: key presses are refused with it
        self.answers = []  # (status, object): the next ones, in front of everything else
        self.silent = False  # nothing more is said on any stream, no new one is opened
        self.streams = []
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/lane/3"

    def show(self, view):
        with self.lock:
            self.view = view
            for q in self.streams:
                q.put(view)

    def hang_up(self):
        with self.lock:
            for q in self.streams:
                q.put(None)

    def handler(box):
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def reply(self, status, kind, body):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Security-Policy", POLICY)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                if self.path == "/api/v1/lanes/3/stream":
                    return self.stream()
                name = "lane.html" if self.path == "/lane/3" else self.path.removeprefix("/ui/")
                file = UI / name
                if "/" in name or not file.is_file():
                    return self.reply(404, "application/json", b"{}")
                return self.reply(200, TYPES[file.suffix], file.read_bytes())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                box.posts.put((self.path, self.headers["Content-Type"], json.loads(body)))
                if box.answers:
                    status, said = box.answers.pop(0)
                    return self.reply(status, "application/json", json.dumps(said).encode())
                if box.refuse:
                    error = {"error": {"code": "no", "message": box.refuse}}
                    return self.reply(409, "application/json", json.dumps(error).encode())
                return self.reply(200, "application/json", b"{}")

            def stream(self):
                q = queue.Queue()
                if box.silent:
                    return self.reply(503, "application/json", b'{"error":{"message":"silent"}}')
                with box.lock:
                    box.streams.append(q)
                    if box.view:
                        q.put(box.view)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.wfile.write(b"retry: 1000\n")
                self.wfile.flush()
                while (view := q.get()) is not None:
                    self.wfile.write(b"event: lane\ndata: " + json.dumps(view).encode() + b"\n\n")
                    self.wfile.flush()
                with box.lock:
                    box.streams.remove(q)

        return Handler


@pytest.fixture
def box():
    b = Box()
    yield b
    b.hang_up()
    b.server.shutdown()
    b.server.server_close()


@pytest.fixture(scope="module")
def browser():
    with tempfile.TemporaryDirectory(prefix="laneway-browser.") as profile:
        options = webdriver.ChromeOptions()
        for flag in FLAGS + [f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.binary_location = "/usr/bin/chromium"
        driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        yield driver
        driver.quit()


@pytest.fixture(scope="session")
def shots():
    """Where screenshots go: LANEWAY_SHOTS, or a folder that is thrown away."""
    wanted = os.environ.get("LANEWAY_SHOTS")
    if wanted:
        pathlib.Path(wanted).mkdir(parents=True, exist_ok=True)
        yield pathlib.Path(wanted)
    else:
        with tempfile.TemporaryDirectory(prefix="laneway-shots.") as folder:
            yield pathlib.Path(folder)
