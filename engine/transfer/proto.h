/* proto: how moss talks to its two kinds of helper that touch foreign bytes.
 *
 * moss-transfer fetch and moss-unpack, started inside the user namespace (engine/enter.h), fd 3 =
 * control socket (SOCK_SEQPACKET): JSON text messages of at most PROTO_MSG_MAX bytes, descriptors
 * beside them. Larger results are written to a memfd that came with the request. Each confines
 * itself (engine/transfer/confine.h) before it reads a single foreign byte. The process ends at end
 * of file on fd 3.
 *
 * A reply is {"ok": true, ...} or {"error": {"message": "...", "hint": "...", "code": errno,
 * "kind": "not-found|denied|unauthorized|rate-limited|network|corrupt|no-space|unsupported|..."}};
 * progress in between is {"progress": {"digest": "sha256:...", "bytes": N}}.
 *
 * role fetch (one process a pull; keeps connections and tokens):
 *   {"op": "manifest", "ref": "<normalised>", "accept-index": true}   fds: [memfd for the bytes]
 *       -> {"ok", "media_type", "digest", "size"}  (digest: computed; checked where ref has one)
 *   {"op": "blob", "digest", "size", "id": n, "boot": boot id, "check": bool}
 *       fds: [pipe to the unpacker, part file, its checksums], or without the last, or the part
 *       file only; several at once; the bytes go to both; the part file is read first (resume:
 *       Range; "check": registry/part_sums.h)
 *       -> {"ok", "id": n}
 *   with "push_from": [repositories] in "config" (a token that may push, and read those):
 *   {"op": "probe", "id", "digest", "from": [repositories that may have it]}
 *       -> {"ok", "id", "state": "exists|mounted|absent", "from": "whose it was"}
 *   {"op": "upload", "id", "digest", "size"}              fds: [file]
 *       without digest and with size -1 while the file grows: then its end is told with
 *       {"op": "upload-end", "id", "digest", "size"}, or all is given up with
 *       {"op": "upload-drop", "id"} (neither has an answer)
 *       -> {"ok", "id"}; progress {"id", "bytes"}
 *   {"op": "put", "ref", "media_type"}                    fds: [manifest]  -> {"ok"}
 *   {"op": "login"}         are the credentials good?  -> {"ok", "identity_token": "..." or not}
 *   {"op": "search", "query", "limit": n}                 fds: [memfd for an array of results]
 *       -> {"ok", "catalog": bool}  (registry/search.h; then no other request)
 *   {"op": "config", "plain_http": bool, "tls_verify": bool, ...}  first message
 *   {"op": "url", "url"}                                  fds: [pipe]
 *       instead of "config", and the only request: one file from anywhere -> {"ok"}
 *
 * role unpack (no network; one process a layer or archive, while one process may answer for the
 * manifests and the config of an image; started and spoken to through engine/transfer/unpacker.h):
 *   {"op": "manifest", "media_type", "digest", "size", "platform": {os, architecture, variant}}
 *       fds: [bytes]  -> {"ok", "kind": "index", "chosen": {digest, size, media_type}} or
 *       {"ok", "kind": "manifest", "media_type", "config": {digest, size, media_type},
 *       "layers": [{...}]}; size -1 and no digest: not checked, the computed "digest" and "size"
 *       are in the answer in any case
 *   {"op": "describe", "media_type", "digest", "size"}
 *       fds: [bytes, memfd out]  -> {"ok", "kind": "manifest|index", "media_type", "digest",
 * "size"}; in the memfd the document again, with the keys that are known and of the right type
 *   {"op": "config", "digest", "size", "layers": N}
 *       fds: [bytes, memfd out]  -> {"ok", "diff_ids": [...], "os", "architecture", "variant"};
 *       normalised config JSON in the memfd
 *   {"op": "layer", "digest", "size", "media_type", "diff_id": "sha256:..."}
 *       fds: [data, staging folder]  -> {"ok", "diff_id", "digest", "size", "compressed_size",
 *       "warnings": [...]}
 *       makes diff/ and tar-split in the staging folder; both digests verified before "ok".
 *       digest, size, diff_id may be missing: computed, not checked. With "layers": [short names]
 *       and a third descriptor, layers/ (read-only there), equal files of those are not written:
 *       storage/share.h
 *   {"op": "archive", "platform": {...}, "select": {"transport", "ref", "index"}}
 *       (docker-archive, oci-archive; with "select", of which ref and index may be missing, only
 *       that image: engine/transfer/unpack_select.h)
 *       fds: [data, staging folder], or, with "folder": true, [any, staging folder, folder]:
 *       oci-dir and docker-dir, which are read in place; for each image, and for layers that come
 *       by, {"ask": [diff id, ...]}, answered by
 *       {"have": [diff id, ...]} (layers that need no unpacking), then {"image": {"id", "config":
 *       n, "names": [as they stand there], "manifest": n or -1, "manifest_digest", "layers":
 *       [{"diff_id", "dir": n or -1 where it is had, "size", "digest", "compressed_size",
 *       "media_type"}]}}; at the end {"ok", "warnings"}; progress {"layer": n, "diff_id" where it
 *       is known, "bytes", "size"}: the first of a layer has bytes 0. In the staging folder:
 *       layer-n/{diff, tar-split}, config-n, normal-n (the normalised config), manifest-n
 *   {"op": "top", "select": {"transport", "ref", "index"}}
 *       (oci, oci-archive, dir) fds: [data, staging folder], or, with "folder": true, [any, staging
 *       folder, folder] -> {"ok", "media_type", "digest", "size"}: the manifest or index that the
 *       transport means is the file top of the staging folder
 *   {"op": "blobs", "select": {"transport"}, "want": [{"digest", "size", "is_manifest": bool}]}
 *       fds: as of top -> {"ok"}: in the staging folder 0, 1, ..., each with its digest and size
 *   {"op": "sum", "digest", "size"}               (what a fetcher has brought)
 *       fds: [file]  -> {"ok"}: that is what it is
 *   {"op": "signatures", "digest", "size"}        (registry/sigstore.h)
 *       fds: [signature manifest]  -> {"ok", "signatures": [{"digest", "size", "signature"}]}
 *   {"op": "verify", "digest", "size", "signature", "keys": [PEM text]}
 *       fds: [payload]  -> {"ok", "signed": bool, and where it is true what was signed:
 *       "signed_digest", "signed_name"; else "why"}
 *   {"op": "inflate"}                             (cp - of a compressed archive)
 *       fds: [data, pipe]: the tar goes to the pipe  -> {"ok"}
 *   {"op": "layout-add", "entry": {descriptor}}   (engine/transfer/unpack_layout.h)
 *       fds: [index.json, empty where there is none, memfd out: the new one]  -> {"ok"}
 *   {"op": "assemble", "compression": "none|gzip|zstd", "level": N, "diff_id"}
 *       fds: [pipe or file, the layer's folder (read-only)]: the layer's exact tar, compressed,
 *       goes there. level and diff_id may be missing: the kind's own, not compared
 *       -> {"ok", "diff_id", "tar_size", "digest", "size"}: the last two of what was written; after
 *       an error that is of no use, however much there is
 *   {"op": "measure", "layers": [folder names]}
 *       fds: [any, layers/ (read-only)]  -> {"ok", "sizes": [bytes of each layer's tar]}
 *   {"op": "commit", "take": bool, "subtract": bool, "drop": [paths]}
 *       fds: [any, staging folder, the container's writable folder]
 *       take: that folder itself is tidied (storage/upper_tidy.h) and described; diff/ in staging
 *       is a new, empty one to put in its place. Else it is copied to diff/ first, and
 *       {"copied": true} says when the container may go on.
 *       subtract: what base/ in staging has, too, is left out (storage/layer_subtract.h)
 *       -> {"ok", "diff_id", "size", "entries"}; makes tar-split and share
 *   {"op": "link", "layers": [short names], "others": [short names], "recorded": bool}
 *       (storage/share_link.h)
 *       fds: [any, layers/]; {"ready": true} is answered by {"busy": [short names]}, and
 *       {"linked": true} says when no more links will be made
 *       -> {"ok", "linked", "cloned", "copied"}
 *   {"op": "check", "layers": [{"id", "diff_id", "local"}], "blobs": [hex]} (storage/layer_check.h)
 *       fds: [any, layers/ or blobs/sha256/, read-only there]; {"damage": {"what", "path",
 *       "message"}} for each thing that is wrong  -> {"ok"}
 */
#ifndef ENGINE_TRANSFER_PROTO_H
#define ENGINE_TRANSFER_PROTO_H

#include <jansson.h>
#include <stddef.h>

struct err;

enum {
	PROTO_MSG_MAX = 128 * 1024,
	MANIFEST_MAX = 4 * 1024 * 1024, /* bytes of a manifest or an index */
	CONFIG_MAX = 8 * 1024 * 1024,
};

/* A helper's stderr (spawn.fd_err): nowhere. The user's may be a file of his, whose owner, mode and
 * length a helper that is taken over could change by that descriptor, or his terminal. Who debugs
 * moss gets it. */
int proto_helper_stderr(void);

int proto_send(int sock, const json_t *msg, const int *fds, size_t n_fds, struct err *e);
/* New reference, or NULL: e set, or e->code == 0 at end of file. */
json_t *proto_recv(int sock, int *fds, size_t *n_fds, struct err *e);
/* Turns {"error": ...} into e (and its kind into a constant string); 0 where it is none. */
int proto_error(const json_t *reply, const char **kind, struct err *e);
/* The reply for an error. New reference. */
json_t *proto_failure(const struct err *e, const char *kind);

#endif
