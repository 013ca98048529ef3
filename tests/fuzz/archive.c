/* The outer archive of an image: read, put down under numbers, looked up by name. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "engine/transfer/unpack_spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	close(stage);
	close(fd);
	if (path_remove_at(AT_FDCWD, dir, &e) < 0)
		abort();
	return 0;
}
