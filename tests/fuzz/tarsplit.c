/* tar-split files as a damaged disk might give them: the input is what stands in the compressed
 * frame. A layer with one file, "f", lies beside it. */
#include <fcntl.h>
#include <stdio.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "storage/layer_check.h"
#include "storage/tarsplit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count_bytes(void *arg, const void *p, size_t n, struct err *e)
{
	size_t *total = arg;
	(void)p;
	*total += n;
	return *total > (1 << 24) ? err_set(e, 1, "enough") : 0;
}

static void ignore_damage(void *arg, const char *path, const char *message)
{
	(void)arg, (void)path, (void)message;
}

/* The same layer as system check sees it: within a folder of layers. */
static void check(int fd)
{
	static const char *const parts[] = {"diff", "tar-split"};
	const struct layer_check c = {
		.id = "0123456789", .diff_id = "sha256:0", .damage = ignore_damage};
	struct err e;
	if (mkdirat(fd, c.id, 0755) < 0)
		abort();
	int layer = openat(fd, c.id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 2; i++)
		if (renameat(fd, parts[i], layer, parts[i]) < 0)
			abort();
	close(layer);
	(void)layer_check(fd, &c, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/moss-fuzz-tarsplit.XXXXXX";
	struct err e;
	size_t total = 0, room = ZSTD_compressBound(size);
	void *frame = malloc(room);
	if (!frame || !mkdtemp(dir))
		abort();
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n = ZSTD_compress(frame, room, data, size, 1);
	if (ZSTD_isError(n) || mkdirat(fd, "diff", 0755) < 0 ||
		write_file_at(fd, "tar-split", frame, n, 0600, false, &e) < 0 ||
		write_file_at(fd, "diff/f", "content", 7, 0600, false, &e) < 0)
		abort();
	uint64_t length;
	(void)tarsplit_length(fd, &length, &e);
	if (tarsplit_assemble(fd, count_bytes, &total, &e) == 0 && length != total)
		abort();
	check(fd);
	close(fd);
	free(frame);
	if (path_remove_at(AT_FDCWD, dir, &e) < 0)
		abort();
	return 0;
}
