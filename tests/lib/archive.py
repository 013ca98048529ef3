"""Image archives made by hand, good ones and bad ones, for the tests of load and pull.

    import archive
    layer = archive.tar(("bin", "dir"), ("bin/x", b"content"), ("l", "symlink", "bin/x"))
    archive.docker("out.tar", [layer], tags=["x:1"])
    archive.oci("out.tar", [layer], name="x:1")
"""
import gzip
import hashlib
import io
import json
import tarfile


def sha(data):
    return hashlib.sha256(data).hexdigest()


def member(name, kind=b"", target="", **more):
    """A TarInfo and its content. kind: bytes (a file), "dir", "symlink", "link", "char", "fifo"."""
    info = tarfile.TarInfo(name)
    info.mode = 0o644
    content = b""
    if isinstance(kind, bytes):
        content = kind
        info.size = len(kind)
    else:
        info.type = {"dir": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE, "link": tarfile.LNKTYPE,
                     "char": tarfile.CHRTYPE, "fifo": tarfile.FIFOTYPE}[kind]
        info.linkname = target
        if kind == "dir":
            info.mode = 0o755
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def tar(*entries, format=tarfile.PAX_FORMAT):
    """A tar of entries: tuples for member(), the last may be a dict of TarInfo attributes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as t:
        for entry in entries:
            more = {}
            if isinstance(entry[-1], dict):
                entry, more = entry[:-1], entry[-1]
            info, content = member(*entry, **more)
            t.addfile(info, io.BytesIO(content))
    return out.getvalue()


def config(layers, **more):
    c = {"architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
         "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]},
         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha(l) for l in layers]},
         "history": [{"created_by": "test"} for _ in layers]}
    c.update(more)
    return json.dumps(c).encode()


def write(path, files):
    """An outer archive of (name, bytes)."""
    with open(path, "wb") as f:
        f.write(tar(*files))


def docker(path, layers, tags=None, conf=None, manifest=None):
    conf = config(layers) if conf is None else conf
    files = []
    for i, layer in enumerate(layers):
        files.append((f"{i}/layer.tar", layer))
    files.append(("config.json", conf))
    if manifest is None:
        manifest = [{"Config": "config.json", "RepoTags": tags,
                     "Layers": [f"{i}/layer.tar" for i in range(len(layers))]}]
    files.append(("manifest.json", json.dumps(manifest).encode()))
    write(path, files)


def descriptor(media_type, data, **more):
    d = {"mediaType": media_type, "digest": "sha256:" + sha(data), "size": len(data)}
    d.update(more)
    return d


def oci(path, layers, name=None, conf=None, compress=gzip.compress, change=lambda m: m,
        manifest_bytes=None, index=None):
    conf = config(layers) if conf is None else conf
    blobs = [compress(l) for l in layers]
    kind = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if compress is gzip.compress else "")
    m = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
         "config": descriptor("application/vnd.oci.image.config.v1+json", conf),
         "layers": [descriptor(kind, b) for b in blobs]}
    text = json.dumps(change(m)).encode() if manifest_bytes is None else manifest_bytes
    entry = descriptor("application/vnd.oci.image.manifest.v1+json", text)
    if name:
        entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    if index is None:
        index = {"schemaVersion": 2, "manifests": [entry]}
    files = [("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'),
             ("index.json", json.dumps(index).encode())]
    files += [("blobs/sha256/" + sha(b), b) for b in [conf, text] + blobs]
    write(path, files)
