"""Starts nginx and tells it who may log in, and to which server: auth.py PORT BACK-END-PORT NGINX...

The protocol is that of nginx's mail_auth_http module: everything stands in headers.
"""

import hashlib
import hmac
import http.server
import pathlib
import subprocess
import sys
import urllib.parse

PASSWORDS = dict(line.split(" ", 1) for line in pathlib.Path("users").read_text().splitlines())


def expected(method, password, salt):
    """What the client must have sent."""
    if method == "apop":
        return hashlib.md5((salt + password).encode()).hexdigest()
    if method == "cram-md5":
        return hmac.digest(password.encode(), salt.encode(), "md5").hex()
    return password


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers
        password = PASSWORDS.get(urllib.parse.unquote(asked["Auth-User"]))
        sent = urllib.parse.unquote(asked["Auth-Pass"])
        wanted = password and expected(asked["Auth-Method"], password, asked["Auth-Salt"])
        self.send_response(200)
        if sent == wanted:
            self.send_header("Auth-Status", "OK")
            self.send_header("Auth-Server", "127.0.0.1")
            self.send_header("Auth-Port", sys.argv[2])
            # The server behind nginx is logged in to with it.
            self.send_header("Auth-Pass", password)
        else:
            self.send_header("Auth-Status", "Invalid login or password")
        self.end_headers()


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer)
subprocess.Popen(sys.argv[3:])
server.serve_forever()
