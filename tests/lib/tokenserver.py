#!/usr/bin/env python3
"""tokenserver.py PORT-FILE KEY CERT LOG [SECONDS]: issues tokens a docker-registry accepts.

alice:secret may pull private/..., everybody else the rest; the refresh token "refresh-alice" is
alice's too; who asks for an offline token gets it. A token lives SECONDS (default 60). Each request
is a line in LOG.
"""
import base64, http.server, json, os, subprocess, sys, time, urllib.parse

port_file, key, cert, log_path = sys.argv[1:5]
lifetime = int(sys.argv[5]) if len(sys.argv) > 5 else 60


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def der():
    lines = open(cert).read().split("-----BEGIN CERTIFICATE-----")[1]
    return "".join(lines.split("-----END")[0].split())


def token(user, scopes):
    access = []
    for scope in scopes:
        kind, name, actions = scope.split(":")
        if user != "alice" and name.startswith("private/"):
            continue
        access.append({"type": kind, "name": name,
                       "actions": [a for a in actions.split(",") if a == "pull" or user]})
    now = int(time.time())
    header = {"typ": "JWT", "alg": "RS256", "x5c": [der()]}
    claims = {"iss": "moss-test", "sub": user, "aud": "registry", "exp": now + lifetime,
              "nbf": now - 10, "iat": now, "jti": os.urandom(8).hex(), "access": access}
    text = b64(json.dumps(header).encode()) + b"." + b64(json.dumps(claims).encode())
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text,
                               stdout=subprocess.PIPE, check=True).stdout
    return (text + b"." + b64(signature)).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def note(self, kind):
        with open(log_path, "a") as f:
            f.write(f"{self.command} {self.path} as={kind}\n")

    def do_GET(self):
        if os.environ.get("TOKENS_BY_FORM_ONLY"):
            return self.reply(405, {})
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        auth = self.headers.get("Authorization")
        user = ""
        self.note("basic" if auth else "nobody")
        if auth:
            if base64.b64decode(auth.split()[1]) != b"alice:secret":
                return self.reply(401, {"errors": [{
                    "code": "UNAUTHORIZED", "message": "incorrect username or password"}]})
            user = "alice"
        answer = {"token": token(user, query.get("scope", []))}
        if user and query.get("offline_token") == ["true"]:
            answer["refresh_token"] = "refresh-alice"
        return self.reply(200, answer)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        form = urllib.parse.parse_qs(self.rfile.read(length).decode())
        self.note("refresh")
        if form.get("refresh_token") != ["refresh-alice"] and (
                form.get("username"), form.get("password")) != (["alice"], ["secret"]):
            return self.reply(401, {"errors": [{"code": "UNAUTHORIZED",
                                                "message": "bad refresh token"}]})
        scopes = [s for text in form.get("scope", []) for s in text.split()]
        answer = {"access_token": token("alice", scopes)}
        if form.get("access_type") == ["offline"]:
            answer["refresh_token"] = "refresh-alice"
        return self.reply(200, answer)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(port_file + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()
