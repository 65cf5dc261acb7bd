"""Runs a program for each connection to a port, as inetd does: inetd.py PORT PROGRAM."""

import os
import socketserver
import sys


class Session(socketserver.BaseRequestHandler):
    def handle(self):
        for descriptor in 0, 1:
            os.dup2(self.request.fileno(), descriptor)
        os.execv(sys.argv[2], sys.argv[2:])


class Inetd(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128


Inetd(("127.0.0.1", int(sys.argv[1])), Session).serve_forever()
