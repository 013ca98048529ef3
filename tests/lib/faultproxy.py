#!/usr/bin/env python3
"""faultproxy.py PORT-FILE TARGET RULES LOG: an HTTP proxy in front of a registry that breaks things.

TARGET is host:port of the registry (plain HTTP). RULES is a file that is read at each request; a
line is "TIMES REGEX ACTION [ARGUMENT]": the first line whose regex is found in "METHOD PATH content-range=R" and
whose TIMES (0 = always) are not used up is applied. Counting starts anew when the file changes.

  cut N          the body ends after N bytes, and the connection with it
  stall N S      after N bytes nothing happens for S seconds
  slow N         N bytes a second
  alter          one byte in the middle of the body is another
  norange        a Range is ignored: everything is sent, with status 200
  zeroed N       so, and the first N bytes are zeros
  short N        N bytes, and Content-Length says so
  more N         N bytes more than there are, without Content-Length
  status C [S]   status C; with S as Retry-After
  limited W [S]  429 as Docker Hub has it, 100 in W seconds; with S ("date:S": as a date) as
                 Retry-After
  realm URL      401 with a challenge for a token from there, Basic first
  expired REALM  401 with a challenge for a new token
  deny           401 with DENIED and no challenge
  html C         status C with a page of HTML
  type T         another Content-Type
  file PATH      the contents of a file instead of the body
  page PATH      so, with status 200 and without asking the registry
  huge N         N MB of blanks instead of the body
  header N V...  the header N is V
  endless        headers without end
  redirect URL   307 to URL + path
  to URL [C]     307, or C, with exactly this Location
  upcut N        N bytes of what is uploaded arrive, then both connections end
  upkeep N       as upcut, but the registry keeps what came and can be asked (docker-registry itself
                 cannot: its addresses hold the offset; here the proxy remembers the newest one)
  location URL   the Location of an answer is on another host; "relative": without host
  hangup         the connection ends without an answer
  raw PATH       the contents of a file as the whole answer, and the connection ends
  garbage        bytes that are no HTTP

Each request is a line in LOG: METHOD PATH range=R auth=A host=H action=X; and each body of a blob,
when it ends or is cut off, one in LOG.bytes: BYTES PATH. Little is buffered on the way, so that these
are nearly the bytes that have arrived.
"""
import email.utils, http.client, http.server, os, re, socket, sys, threading, time

port_file, target, rules_path, log_path = sys.argv[1:5]
lock = threading.Lock()
used, rules_stamp = {}, None
sessions = {}  # of uploads that were cut by upkeep: id -> path of the newest address


def find_rule(line):
    global rules_stamp
    with lock:
        try:
            stamp = os.stat(rules_path).st_mtime_ns
            rules = open(rules_path).read().splitlines()
        except FileNotFoundError:
            return []
        if stamp != rules_stamp:
            used.clear()
            rules_stamp = stamp
        for i, rule in enumerate(rules):
            words = rule.split()
            if len(words) < 3 or not re.search(words[1], line):
                continue
            if int(words[0]) and used.get(i, 0) >= int(words[0]):
                continue
            used[i] = used.get(i, 0) + 1
            return words[2:]
    return []


class Counted:
    """Where a body is written to, in pieces, so that it is known how much of it went out."""

    def __init__(self, out):
        self.out, self.bytes = out, 0

    def write(self, data):
        for i in range(0, len(data), 65536):
            piece = data[i:i + 65536]
            self.out.write(piece)
            self.bytes += len(piece)

    def flush(self):
        self.out.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, action):
        with lock, open(log_path, "a") as f:
            auth = self.headers.get("Authorization", "-").split()[0]
            f.write(f"{self.command} {self.path} range={self.headers.get('Range', '-')} "
                    f"auth={auth} host={self.headers.get('Host')} "
                    f"content-range={self.headers.get('Content-Range', '-')} "
                    f"action={action[0] if action else '-'}\n")

    def pieces(self):
        """The request's body, as it comes."""
        self.body_read = True
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while True:
                n = int(self.rfile.readline().split(b";")[0], 16)
                data = self.rfile.read(n)
                self.rfile.readline()
                if not n:
                    return
                yield data
        left = int(self.headers.get("Content-Length", 0))
        while left:
            data = self.rfile.read1(min(left, 65536))
            if not data:
                raise ConnectionResetError
            left -= len(data)
            yield data

    def newest(self):
        """The path, at an upload's newest address where we know better than the client."""
        found = re.search("/blobs/uploads/([^/?]+)", self.path)
        if not found or found[1] not in sessions:
            return self.path
        closing = re.search("[?&](digest=[^&]*)", self.path)
        path = sessions[found[1]]
        return path + ("&" + closing[1] if closing else "")

    def learn(self, response):
        found = re.search("/blobs/uploads/([^/?]+)", self.path)
        if found and found[1] in sessions and response.getheader("Location"):
            sessions[found[1]] = re.sub("^http://[^/]*", "", response.getheader("Location"))

    def do_upkeep(self, n):
        data, pieces = b"", self.pieces()
        while len(data) < int(n):
            data += next(pieces)
        c = http.client.HTTPConnection(target, timeout=60)
        c.request(self.command, self.newest(), data[:int(n)],
                  {"Content-Type": "application/octet-stream", "Host": self.headers["Host"]})
        response = c.getresponse()
        sessions[re.search("/blobs/uploads/([^/?]+)", self.path)[1]] = ""
        self.learn(response)
        self.close_connection = True

    def forward(self, drop=(), limit=None):
        c = http.client.HTTPConnection(target, timeout=60)
        c.putrequest(self.command, self.newest(), skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect") + tuple(drop):
                c.putheader(name, value)
        c.endheaders()
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
        sent = 0
        for data in self.pieces():
            if limit is not None:
                data = data[:limit - sent]
            c.send(b"%x\r\n%s\r\n" % (len(data), data) if chunked and data else data)
            sent += len(data)
            if limit is not None and sent >= limit:
                time.sleep(0.2)  # the registry takes what it has
                c.close()
                return None
        if chunked:
            c.send(b"0\r\n\r\n")
        response = c.getresponse()
        self.learn(response)
        return response

    def answer(self, status, headers, body):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        # As a forward proxy: the whole URL is the path.
        self.path = re.sub("^http://[^/]*", "", self.path)
        action = find_rule(f"{self.command} {self.path}"
                           f" content-range={self.headers.get('Content-Range', '-')}")
        self.note(action)
        name, args = (action[0], action[1:]) if action else ("", [])
        self.body_read = False
        self.counted = Counted(self.wfile)
        try:
            getattr(self, "do_" + name, self.plain)(*args)
            if not self.body_read and self.command in ("POST", "PUT", "PATCH"):
                for _ in self.pieces():
                    pass
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        if "/blobs/" in self.path and self.counted.bytes:
            with lock, open(log_path + ".bytes", "a") as f:
                f.write(f"{self.counted.bytes} {self.path}\n")

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def plain(self, *args):
        self.relay(lambda body: self.counted.write(body))

    def relay(self, write, drop=(), change=None, length=True):
        r = self.forward(drop)
        body = r.read()
        headers = {k: v for k, v in r.getheaders()
                   if k.lower() not in ("content-length", "transfer-encoding", "connection")}
        status = r.status
        if change:
            status, headers, body = change(status, headers, body)
        if length:
            headers["Content-Length"] = str(len(body))
        else:
            headers["Connection"] = "close"
            self.close_connection = True
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k, v)
        self.end_headers()
        write(body)

    def do_cut(self, n):
        def write(body):
            self.counted.write(body[:int(n)])
            self.counted.flush()
            self.close_connection = True
        self.relay(write)

    def do_stall(self, n, seconds):
        def write(body):
            self.counted.write(body[:int(n)])
            self.counted.flush()
            time.sleep(float(seconds))
            self.counted.write(body[int(n):])
        self.relay(write)

    def do_slow(self, rate):
        def write(body):
            step = max(1, int(rate) // 20)
            for i in range(0, len(body), step):
                self.counted.write(body[i:i + step])
                self.counted.flush()
                time.sleep(0.05)
        self.relay(write)

    def do_alter(self):
        def change(status, headers, body):
            i = len(body) // 2
            return status, headers, body[:i] + bytes([body[i] ^ 1]) + body[i + 1:]
        self.relay(self.counted.write, change=change)

    def do_norange(self):
        self.relay(self.counted.write, drop=("range",))

    def do_zeroed(self, n):
        self.relay(self.counted.write, drop=("range",),
                   change=lambda s, h, b: (s, h, bytes(int(n)) + b[int(n):]))

    def do_short(self, n):
        self.relay(self.counted.write, change=lambda s, h, b: (s, h, b[:int(n)]))

    def do_more(self, n):
        self.relay(self.counted.write, change=lambda s, h, b: (s, h, b + bytes(int(n))),
                   length=False)

    def do_status(self, code, retry_after=None):
        headers = {"Content-Length": "0"}
        if retry_after:
            headers["Retry-After"] = retry_after
        self.answer(int(code), headers, b"")

    def do_limited(self, window, retry_after=None):
        body = (b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate '
                b'limit. You may increase the limit by authenticating and upgrading: '
                b'https://www.docker.com/increase-rate-limit"}]}')
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)),
                   "RateLimit-Limit": f"100;w={window}", "RateLimit-Remaining": f"0;w={window}"}
        if retry_after and retry_after.startswith("date:"):
            when = time.time() + int(retry_after[5:])
            headers["Retry-After"] = email.utils.formatdate(when, usegmt=True)
        elif retry_after:
            headers["Retry-After"] = retry_after
        self.answer(429, headers, body)

    def do_realm(self, url):
        self.answer(401, {"Content-Length": "0", "WWW-Authenticate":
                          f'Basic realm="x", Bearer realm="{url}",service="registry"'}, b"")

    def do_expired(self, realm):
        self.answer(401, {"Content-Length": "0", "WWW-Authenticate":
                          f'Bearer realm="{realm}",service="registry",error="invalid_token"'}, b"")

    def do_deny(self):
        body = (b'{"errors":[{"code":"DENIED",'
                b'"message":"requested access to the resource is denied"}]}')
        self.answer(401, {"Content-Length": str(len(body)),
                          "Content-Type": "application/json"}, body)

    def do_html(self, code):
        body = b"<html>\x1b[31mno</html>"
        self.answer(int(code), {"Content-Length": str(len(body)), "Content-Type": "text/html"},
                    body)

    def do_type(self, media_type):
        def change(status, headers, body):
            headers["Content-Type"] = media_type
            return status, headers, body
        self.relay(self.wfile.write, change=change)

    def do_file(self, path):
        with open(path, "rb") as f:
            new = f.read()

        def change(status, headers, body):
            for name in [k for k in headers if k.lower() == "docker-content-digest"]:
                del headers[name]
            return status, headers, new
        self.relay(self.counted.write, change=change)

    def do_page(self, path):
        with open(path, "rb") as f:
            body = f.read()
        self.answer(200, {"Content-Length": str(len(body)), "Content-Type": "application/json"},
                    body)

    def do_huge(self, megabytes):
        def write(body):
            for _ in range(int(megabytes)):
                self.wfile.write(b" " * (1 << 20))
            self.close_connection = True
        self.relay(write, length=False)

    def do_redirect(self, url):
        self.answer(307, {"Location": url + self.path, "Content-Length": "0"}, b"")

    def do_to(self, url, code=307):
        self.answer(int(code), {"Location": url, "Content-Length": "0"}, b"")

    def do_header(self, name, *value):
        def change(status, headers, body):
            for other in [k for k in headers if k.lower() == name.lower()]:
                del headers[other]
            headers[name] = " ".join(value)
            return status, headers, body
        self.relay(self.counted.write, change=change, length=name.lower() != "content-length")

    def do_endless(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"".join(b"X-%d: %s\r\n" % (i, b"x" * 1000) for i in range(100)))

    def do_upcut(self, n):
        self.forward(limit=int(n))
        self.close_connection = True

    def do_location(self, where):
        def change(status, headers, body):
            path = re.sub("^http://[^/]*", "", headers.get("Location", ""))
            headers["Location"] = path if where == "relative" else where + path
            return status, headers, body
        self.relay(self.wfile.write, change=change)

    def do_hangup(self):
        self.close_connection = True

    def do_raw(self, path):
        with open(path, "rb") as f:
            self.wfile.write(f.read())
        self.close_connection = True

    def do_garbage(self):
        self.wfile.write(b"\x00\x01garbage\r\n" * 10)
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        return connection, address

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler)
with open(port_file + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()
