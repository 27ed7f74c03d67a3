"""A local web server that can drop connections and refuse to resume, for the download tests."""

import contextlib
import http.server
import os
import re
import threading
from unittest import mock


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.files`; `cut` drops the connection after so many bytes, once a request."""

    def do_GET(self):
        server = self.server
        data = server.files.get(self.path.lstrip("/"))
        server.requests.append((self.path, self.headers.get("Range")))
        if data is None:
            self.send_error(404)
            return
        start = 0
        if server.resumes and (match := re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))):
            start = int(match[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # a client may hang up on too much data
            self.wfile.write(data[start : start + server.cut] if server.cut else data[start:])

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def running_server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.requests, server.resumes, server.cut = {}, [], True, 0
        server.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with mock.patch.dict(os.environ, no_proxy="*"):  # never ask a proxy for the local server
                yield server
        finally:
            server.shutdown()
            thread.join()
