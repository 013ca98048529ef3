"""Puts blobs and manifests into a registry over plain HTTP, so that every byte is ours to choose.
The program that imports it was called with HOST:PORT [USER:PASSWORD].
"""
import base64
import hashlib
import json
import sys
import urllib.request

BASE = "http://" + sys.argv[1]
AUTH = sys.argv[2] if len(sys.argv) > 2 else None


def call(method, url, data=None, headers=None):
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    if AUTH:
        request.add_header("Authorization", "Basic " + base64.b64encode(AUTH.encode()).decode())
    return urllib.request.urlopen(request)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def push_blob(repo, data):
    location = call("POST", f"{BASE}/v2/{repo}/blobs/uploads/", b"").headers["Location"]
    if location.startswith("/"):
        location = BASE + location
    mark = "&" if "?" in location else "?"
    call("PUT", f"{location}{mark}digest={digest(data)}", data,
         {"Content-Type": "application/octet-stream"})
    return {"digest": digest(data), "size": len(data)}


def push_manifest(repo, tag, manifest, media_type):
    data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    call("PUT", f"{BASE}/v2/{repo}/manifests/{tag}", data, {"Content-Type": media_type})
    return {"digest": digest(data), "size": len(data), "mediaType": media_type}
