/* replay: runs a fuzz target over its stored inputs, so that `make check` needs no libFuzzer.
 * The inputs are $srcdir/tests/fuzz/corpus/NAME/, NAME being the program's; or the files given. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t len = 0, cap = 1 << 20;
	/* A buffer of the exact size, so that reading beyond it is seen. */
	char *whole = malloc(cap), *exact;
	if (!f || !whole) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	len = fread(whole, 1, cap, f);
	exact = malloc(len ? len : 1);
	if (exact) {
		memcpy(exact, whole, len);
		LLVMFuzzerTestOneInput((const uint8_t *)exact, len);
	}
	free(exact);
	free(whole);
	fclose(f);
	return 0;
}

static int replay_folder(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int failed = 0, n = 0;
	if (!d) {
		fprintf(stderr, "%s: %s\n", dir, strerror(errno));
		return 1;
	}
	while ((entry = readdir(d))) {
		char path[8192];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		failed |= replay(path);
		n++;
	}
	closedir(d);
	printf("%d inputs of %s\n", n, dir);
	return failed || !n;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *slash = strrchr(argv[0], '/');
	char dir[4096];
	int failed = 0;
	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	if (argc > 1)
		return failed;
	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".",
		slash ? slash + 1 : argv[0]);
	return replay_folder(dir);
}
