#!/usr/bin/env python3
"""fakehub.py PORT LOG [CERTIFICATE KEY]: an index with Docker Hub's search, on loopback.

Answers /v1/search over plain HTTP and, as a proxy that is told CONNECT, over TLS with the certificate,
whoever was asked for. Each request's path is a line of LOG. The query decides: "none" finds nothing,
"broken" is cut short, "wrong" has no list, "down" is a server error, "huge" is larger than allowed,
"hostile" has names and texts that a terminal must not get.
"""
import http.server, json, ssl, sys, urllib.parse

port, log = int(sys.argv[1]), open(sys.argv[2], "a")
context = None
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])


def results(query, n):
    if query == "none":
        return []
    if query == "hostile":
        return [{"name": "\u001b[2J", "description": "x"}, {"name": "Upper", "description": "x"},
                {"name": "ok/name", "description": "a\u001b[31mb\u0007\nc", "star_count": 1}]
    found = [{"name": "debian", "description": "Debian is a Linux distribution that's composed entirely of "
              "free and open-source software.\nSecond line", "star_count": 5000, "is_official": True,
              "is_automated": False}]
    for i in range(1, n):
        found.append({"name": f"someone/debian{i}", "description": f"number {i} é",
                      "star_count": max(0, 5000 - 100 * i), "is_official": False, "is_automated": i == 2})
    return found


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self):
        print("CONNECT", self.path, file=log, flush=True)
        if not context or self.path != "index.docker.io:443":
            self.send_error(502)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.close_connection = False
        while not self.close_connection:
            self.handle_one_request()

    def do_GET(self):
        print(self.path, file=log, flush=True)
        url = urllib.parse.urlparse(self.path)
        args = urllib.parse.parse_qs(url.query)
        query = args.get("q", [""])[0]
        status, body = 404, b"{}"
        if url.path == "/v1/search":
            found = results(query, int(args.get("n", ["25"])[0]))
            status, body = 200, json.dumps({"num_results": len(found), "results": found}).encode()
            if query == "broken":
                body = body[:-20]
            if query == "wrong":
                body = b'{"results": 7}'
            if query == "down":
                status, body = 500, b"oops"
            if query == "huge":
                body = b" " * (8 << 20) + body
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
