/* The outer archive of an image, looked up by name: in place, through a pipe, and through a pipe
 * with somebody who takes the layers; and a folder of the same, whose names the input is. */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/unpack_spool.h"
#include "storage/tarsplit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As any name of a manifest: it must not lead out of the folder, whose only file is f. */
static void look_up_in_folder(int folder, const uint8_t *data, size_t size)
{
	struct spool s = SPOOL_INIT;
	struct err e;
	struct stat st, f;
	char *name = xstrndup((const char *)data, size < 4096 ? size : 4096);
	spool_use_folder(&s, folder);
	struct spool_content c;
	bool is_there = spool_open(&s, name, &c, &e) == 0;
	if (is_there != spool_has(&s, name))
		abort();
	if (is_there && (fstat(c.fd, &st) < 0 || fstatat(folder, "f", &f, 0) < 0 ||
				st.st_ino != f.st_ino || st.st_dev != f.st_dev))
		abort();
	spool_close(&c);
	free(name);
	spool_deinit(&s);
}

/* Links to outside, to the file, and in a circle; a FIFO. */
static void make_folder(int folder)
{
	int fd = openat(folder, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || symlinkat("/etc/passwd", folder, "out") < 0 ||
		symlinkat("..", folder, "up") < 0 || symlinkat("f", folder, "in") < 0 ||
		symlinkat("loop", folder, "loop") < 0 || mkfifoat(folder, "p", 0600) < 0 ||
		mkdirat(folder, "d", 0700) < 0)
		abort();
	close(fd);
}

/* What all files hold: every way to read an archive gives the same names with the same bytes. */
static uint64_t sum_of(const struct spool *s)
{
	uint64_t sum = 0;
	struct err e;
	for (size_t i = 0; i < s->n; i++) {
		struct buf text = BUF_INIT;
		if (spool_find(s, s->files[i].name) >= (int)s->n)
			abort();
		if (!s->files[i].target && spool_taken(s, s->files[i].name) < 0 && i < 16 &&
			spool_read(s, s->files[i].name, 1 << 20, &text, &e) == 0)
			sum = sum * 31 + tarsplit_crc(0, text.data ? text.data : "", text.len);
		buf_free(&text);
	}
	return sum * 31 + s->n;
}

/* A layer may be read to its end, in part or not at all. */
static int take(void *arg, const char *name, const struct stream_source *content, struct err *e)
{
	int *n = arg;
	char piece[700];
	(void)name;
	for (int i = 0; i < *n % 3; i++)
		if (content->read(content->arg, piece, sizeof(piece), e) <= 0)
			break;
	return (*n)++;
}

static void from_pipe(int from, int stage, const char *sub, const struct spool_taker *taker,
	int *result, uint64_t *sum)
{
	auto_spool s = SPOOL_INIT;
	struct err e;
	int pair[2];
	char piece[4096];
	ssize_t n;
	if (mkdirat(stage, sub, 0700) < 0 || pipe2(pair, O_CLOEXEC) < 0 ||
		fcntl(pair[1], F_SETPIPE_SZ, 1 << 20) < 0 || lseek(from, 0, SEEK_SET) < 0)
		abort();
	int dir = openat(stage, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while ((n = read(from, piece, sizeof(piece))) > 0)
		if (write_all(pair[1], piece, (size_t)n) < 0)
			abort();
	close(pair[1]);
	*result = spool_fill(&s, pair[0], dir, taker, &e);
	*sum = sum_of(&s);
	close(pair[0]);
	close(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/moss-fuzz-archive.XXXXXX";
	struct err e;
	struct spool s = SPOOL_INIT;
	int n_taken = 0, piped = 0, taken = 0;
	uint64_t piped_sum = 0, taken_sum = 0;
	const struct spool_taker taker = {take, &n_taken};
	int fd = memfd_create("archive", MFD_CLOEXEC);
	size = size < 1 << 19 ? size : 1 << 19;
	if (fd < 0 || write_all(fd, data, size) < 0 || lseek(fd, 0, SEEK_SET) < 0 || !mkdtemp(dir))
		abort();
	int stage = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = spool_fill(&s, fd, stage, NULL, &e);
	uint64_t sum = sum_of(&s);
	from_pipe(fd, stage, "piped", NULL, &piped, &piped_sum);
	from_pipe(fd, stage, "taken", &taker, &taken, &taken_sum);
	if ((r == 0) != (piped == 0) || (r == 0) != (taken == 0) || (r == 0 && sum != piped_sum))
		abort();
	spool_deinit(&s);
	if (mkdirat(stage, "folder", 0700) < 0)
		abort();
	int folder = openat(stage, "folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_folder(folder);
	look_up_in_folder(folder, data, size);
	close(folder);
	close(stage);
	close(fd);
	if (path_remove_at(AT_FDCWD, dir, &e) < 0)
		abort();
	return 0;
}
