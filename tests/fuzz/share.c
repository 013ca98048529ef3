/* The index and the list of links that storage/share.h keeps beside layers, as a compromised
 * unpacker or a damaged disk might give them. Two layers with one file each, usr/lib/f. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/str.h"
#include "storage/share.h"
#include "storage/share_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const ids[] = {"aaaa", "bbbb"};

static void make_layer(int fd, const char *id, size_t bytes)
{
	static char content[20000];
	const struct timespec times[2] = {{1, 0}, {1, 0}};
	struct err e;
	if (mkdirat(fd, id, 0755) < 0)
		abort();
	int layer = openat(fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(layer, "diff", 0755) < 0 || mkdirat(layer, "diff/usr", 0755) < 0 ||
		mkdirat(layer, "diff/usr/lib", 0755) < 0 ||
		write_file_at(layer, "diff/usr/lib/f", content, bytes, 0644, false, &e) < 0 ||
		utimensat(layer, "diff/usr/lib/f", times, 0) < 0)
		abort();
	close(layer);
}

static int nothing_busy(void *arg, struct strv *busy, struct err *e)
{
	(void)arg, (void)busy, (void)e;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/moss-fuzz-share.XXXXXX";
	struct err e;
	struct share_link_result got;
	auto_strv layers = STRV_INIT, none = STRV_INIT;
	if (!mkdtemp(dir))
		abort();
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_layer(fd, ids[0], 20000);
	make_layer(fd, ids[1], 0);
	for (int i = 0; i < 2; i++)
		strv_add(&layers, ids[i]);
	if (write_file_at(fd, "aaaa/share", data, size, 0600, false, &e) < 0 ||
		write_file_at(fd, "bbbb/links", data, size, 0600, false, &e) < 0)
		abort();
	share_index_free(share_index_new(fd, &layers));
	const struct share_link_job job = {
		.layers = &layers, .others = &none, .ready = nothing_busy};
	(void)share_link(fd, &job, &got, &e);
	/* Whatever the list said, the other layer has its file. */
	struct stat st;
	if (fstatat(fd, "aaaa/diff/usr/lib/f", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size != 20000)
		abort();
	close(fd);
	if (path_remove_at(AT_FDCWD, dir, &e) < 0)
		abort();
	return 0;
}
