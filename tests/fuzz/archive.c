/* The outer archive of an image: read, put down under numbers, looked up by name; and a folder of
 * the same, whose names the input is. */
#include <fcntl.h>
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
#include "base/str.h"
#include "engine/transfer/unpack_spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As any name of a manifest: it must not lead out of the folder, whose only file is f. */
static void look_up_in_folder(int folder, const uint8_t *data, size_t size)
{
	struct spool s = SPOOL_INIT;
	struct err e;
	struct stat st, f;
	char *name = xstrndup((const char *)data, size < 4096 ? size : 4096);
	spool_use_folder(&s, folder);
	int fd = spool_open(&s, name, &e);
	if ((fd >= 0) != spool_has(&s, name))
		abort();
	if (fd >= 0 && (fstat(fd, &st) < 0 || fstatat(folder, "f", &f, 0) < 0 ||
			       st.st_ino != f.st_ino || st.st_dev != f.st_dev))
		abort();
	if (fd >= 0)
		close(fd);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/moss-fuzz-archive.XXXXXX";
	struct err e;
	struct spool s = SPOOL_INIT;
	struct buf text = BUF_INIT;
	int fd = memfd_create("archive", MFD_CLOEXEC);
	if (fd < 0 || write_all(fd, data, size) < 0 || lseek(fd, 0, SEEK_SET) < 0 || !mkdtemp(dir))
		abort();
	int stage = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool_fill(&s, fd, stage, &e) == 0) {
		(void)spool_read(&s, "manifest.json", 4096, &text, &e);
		for (size_t i = 0; i < s.n; i++)
			if (spool_find(&s, s.files[i].name) >= (int)s.n)
				abort();
	}
	buf_free(&text);
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
