/* Files and folders that members of lists come from: index.json of a layout, manifest.json of a
 * dir:, and an archive of the former. Whatever they say, what is taken out has the digest that is
 * told of it. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/unpack_role.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The one blob that the layout has: a manifest, its name, and what a lying name would be. */
static const char blob[] = "{\"schemaVersion\":2,\"manifests\":[]}";
#define HEX "bc5857ac9458293d5111ab85c952172cd7f56bceb4e3014ddc4cafac8927b313"
#define LIE "0000000000000000000000000000000000000000000000000000000000000000"

static void put(int dir, const char *name, const void *p, size_t n)
{
	struct err e;
	if (write_file_at(dir, name, p, n, 0600, false, &e) < 0)
		abort();
}

static int folder(int at, const char *name)
{
	if (mkdirat(at, name, 0700) < 0)
		abort();
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		abort();
	return fd;
}

static void check_file(int stage, const char *name, const char *digest, int64_t length)
{
	auto_buf text = BUF_INIT;
	char real[72];
	auto_fd fd = openat(stage, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read_fd(fd, 1 << 23, &text) < 0)
		abort();
	digest_of(text.data ? text.data : "", text.len, real);
	if ((int64_t)text.len != length || strcmp(real, digest) != 0)
		abort();
}

static void run(const char *transport, int source, bool is_folder, int at, const char *name)
{
	static const char *const digests[] = {"sha256:" HEX, "sha256:" LIE};
	struct err e = {0};
	auto_fd stage = folder(at, name);
	auto_json job = json_pack("{s:{s:s}, s:b, s:[{s:s, s:i}]}", "select", "transport",
		transport, "folder", is_folder, "want", "digest", digests[0], "size",
		(int)strlen(blob));
	struct unpack_request q = {.sock = -1, .job = job, .n_fds = is_folder ? 3 : 2};
	q.fds[0] = q.fds[2] = source;
	q.fds[1] = stage;
	if (!is_folder && lseek(source, 0, SEEK_SET) < 0)
		abort();
	auto_json top = unpack_top_job(&q, &e);
	if (top)
		check_file(
			stage, "top", json_str_or(top, "digest", ""), json_int_or(top, "size", -1));
	(void)path_remove_at(stage, "spool", &e);
	if (!is_folder && lseek(source, 0, SEEK_SET) < 0)
		abort();
	auto_json blobs = unpack_blobs_job(&q, &e);
	if (blobs)
		check_file(stage, "0", digests[0], (int64_t)strlen(blob));
	json_set_str(json_array_get(json_object_get(job, "want"), 0), "digest", digests[1]);
	(void)path_remove_at(stage, "spool", &e);
	(void)unlinkat(stage, "0", 0);
	auto_json lie = unpack_blobs_job(&q, &e);
	if (lie)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/moss-fuzz-blobs.XXXXXX";
	struct err e;
	size = size < 1 << 19 ? size : 1 << 19;
	auto_fd archive = memfd_create("archive", MFD_CLOEXEC);
	if (archive < 0 || write_all(archive, data, size) < 0 || !mkdtemp(dir))
		abort();
	auto_fd at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd source = folder(at, "source");
	put(source, "index.json", data, size);
	put(source, "manifest.json", data, size);
	put(source, HEX, blob, strlen(blob));
	put(source, LIE, blob, strlen(blob));
	auto_fd blobs = folder(source, "blobs"), sha256 = folder(blobs, "sha256");
	put(sha256, HEX, blob, strlen(blob));
	put(sha256, LIE, blob, strlen(blob));
	run("oci", source, true, at, "1");
	run("dir", source, true, at, "2");
	run("oci-archive", archive, false, at, "3");
	if (path_remove_at(AT_FDCWD, dir, &e) < 0)
		abort();
	return 0;
}
