/* tar-split files as a damaged disk might give them: the input is what stands in the compressed
 * frame. A layer with one file, "f", lies beside it. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "storage/tarsplit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count_bytes(void *arg, const void *p, size_t n, struct err *e)
{
	size_t *total = arg;
	(void)p;
	*total += n;
	return *total > (1 << 24) ? err_set(e, 1, "enough") : 0;
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
	(void)tarsplit_assemble(fd, count_bytes, &total, &e);
	close(fd);
	free(frame);
	if (path_remove_at(AT_FDCWD, dir, &e) < 0)
		abort();
	return 0;
}
