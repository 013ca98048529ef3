#!/usr/bin/env python3
"""forwardproxy.py PORT-FILE LOG [USER:PASSWORD]: a proxy for HTTP, CONNECT and SOCKS5 on one port.

Every host name is 127.0.0.1 to it, so that a test can use names that nobody else knows. With
USER:PASSWORD it serves only who shows them. Each connection or request is a line in LOG:

  http METHOD URL auth=A       an absolute URL; A = ok, wrong or none (of the proxy's credentials)
  connect HOST:PORT auth=A
  socks HOST:PORT name=N auth=A    N = yes where the client left the name for the proxy to resolve
"""
import base64, os, socket, struct, sys, threading, urllib.parse

port_file, log_path = sys.argv[1:3]
wanted = sys.argv[3] if len(sys.argv) > 3 else None


def note(line):
    with open(log_path, "a") as f:
        f.write(line + "\n")


def relay(a, b):
    def one(x, y):
        try:
            while data := x.recv(65536):
                y.sendall(data)
        except OSError:
            pass
        try:
            y.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    back = threading.Thread(target=one, args=(b, a), daemon=True)
    back.start()
    one(a, b)
    back.join()


def exactly(c, n):
    data = b""
    while len(data) < n:
        more = c.recv(n - len(data))
        if not more:
            raise OSError("end")
        data += more
    return data


def socks(c):
    methods = exactly(c, exactly(c, 1)[0])
    auth = "none"
    if wanted:
        if 2 not in methods:
            c.sendall(b"\x05\xff")
            return note("socks - name=- auth=none")
        c.sendall(b"\x05\x02")
        exactly(c, 1)
        user = exactly(c, exactly(c, 1)[0])
        password = exactly(c, exactly(c, 1)[0])
        good = user + b":" + password == wanted.encode()
        c.sendall(b"\x01" + (b"\x00" if good else b"\x01"))
        auth = "ok" if good else "wrong"
        if not good:
            return note("socks - name=- auth=wrong")
    else:
        c.sendall(b"\x05\x00")
    _, _, _, kind = exactly(c, 4)
    if kind == 3:
        host = exactly(c, exactly(c, 1)[0]).decode()
    elif kind == 1:
        host = socket.inet_ntoa(exactly(c, 4))
    else:
        host = socket.inet_ntop(socket.AF_INET6, exactly(c, 16))
    port = struct.unpack(">H", exactly(c, 2))[0]
    note(f"socks {host}:{port} name={'yes' if kind == 3 else 'no'} auth={auth}")
    try:
        s = socket.create_connection(("127.0.0.1", port), 10)
    except OSError:
        return c.sendall(b"\x05\x05\x00\x01\0\0\0\0\0\0")
    c.sendall(b"\x05\x00\x00\x01\x7f\0\0\x01\0\0")
    s.settimeout(None)
    relay(c, s)


def http(c, first):
    head = first
    while b"\r\n\r\n" not in head:
        more = c.recv(65536)
        if not more:
            return
        head += more
    head, rest = head.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    method, target, version = lines[0].split(" ", 2)
    fields = [l for l in lines[1:] if not l.lower().startswith(("proxy-", "connection:"))]
    shown = [l.split(" ")[-1] for l in lines[1:] if l.lower().startswith("proxy-authorization:")]
    auth = "none"
    if shown:
        good = wanted and base64.b64decode(shown[0]) == wanted.encode()
        auth = "ok" if good else "wrong"
    note(f"{'connect' if method == 'CONNECT' else 'http ' + method} {target} auth={auth}")
    if wanted and auth != "ok":
        return c.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic "
                         b"realm=\"proxy\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    url = urllib.parse.urlsplit("//" + target if method == "CONNECT" else target)
    try:
        s = socket.create_connection(("127.0.0.1", url.port or 80), 10)
    except OSError:
        return c.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    s.settimeout(None)
    if method == "CONNECT":
        c.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        s.sendall(rest)
        return relay(c, s)
    path = url.path + ("?" + url.query if url.query else "")
    s.sendall("\r\n".join([f"{method} {path} {version}", *fields, "Connection: close", "", ""])
              .encode("latin-1") + rest)
    relay(c, s)


def serve(c):
    try:
        first = c.recv(1)
        if first == b"\x05":
            socks(c)
        elif first:
            http(c, first)
    except OSError:
        pass
    finally:
        c.close()


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
with open(port_file + ".new", "w") as f:
    f.write(str(listener.getsockname()[1]))
os.rename(port_file + ".new", port_file)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
