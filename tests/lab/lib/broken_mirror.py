"""A package mirror on a bad day: every request is answered with 503."""

import http.server
import sys


class Unavailable(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Unavailable).serve_forever()
