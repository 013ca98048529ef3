/* "-": a tar stream to the command's output, or from its input. */
#include "engine/copy_internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "engine/transfer/unpacker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int copy_to_stdout(struct copy_side *side, const char *path, struct err *e)
{
	auto_free char *name = copy_base(path);
	int r = wire_send_request(&side->wire, WIRE_PACK, path, name, NULL, STDOUT_FILENO);
	return r < 0 ? side_lost(side, r, e) : side_expect(side, WIRE_END, e);
}

/* The first bytes, without taking them: of a file, or of a pipe (tee). */
static size_t peek(int fd, unsigned char *p, size_t n)
{
	int pair[2];
	ssize_t got = pread(fd, p, n, lseek(fd, 0, SEEK_CUR));
	if (got >= 0 || pipe2(pair, O_CLOEXEC) < 0)
		return got < 0 ? 0 : (size_t)got;
	got = tee(fd, pair[1], n, 0);
	close(pair[1]);
	if (got > 0)
		got = read(pair[0], p, (size_t)got);
	close(pair[0]);
	return got < 0 ? 0 : (size_t)got;
}

static bool is_compressed(int fd)
{
	static const struct {
		unsigned char magic[6];
		size_t n;
	} known[] = {
		{{0x1f, 0x8b}, 2}, /* gzip */
		{{0x1f, 0x9d}, 2}, /* compress */
		{{'B', 'Z', 'h'}, 3}, {{0xfd, '7', 'z', 'X', 'Z', 0}, 6},
		{{0x28, 0xb5, 0x2f, 0xfd}, 4}, /* zstd */
	};
	unsigned char start[6];
	size_t n = peek(fd, start, sizeof(start));
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (n >= known[i].n && !memcmp(start, known[i].magic, known[i].n))
			return true;
	return false;
}

/* Where it goes, and how. */
struct into {
	const char *folder, *user;
	const struct wire_request *request;
};

static int send_stream(struct copy_side *side, const struct into *to, int fd, struct err *e)
{
	int r = wire_send_request(&side->wire, WIRE_UNPACK, to->folder, to->user, to->request, fd);
	return r < 0 ? side_lost(side, r, e) : 0;
}

/* moss-unpack reads the input and writes the tar into a pipe that the other side reads. */
static int send_inflated(
	struct store *s, struct copy_side *side, const struct into *to, struct err *e)
{
	struct unpacker u = UNPACKER_INIT;
	struct err inflating = {0};
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	auto_fd in = ends[0];
	auto_fd out = ends[1];
	auto_json job = json_pack("{s:s}", "op", "inflate");
	int r = unpacker_start(s, &u, e);
	if (r == 0)
		r = unpacker_send(&u, job, (int[]){STDIN_FILENO, out}, 2, e);
	close(take_fd(out));
	if (r == 0)
		r = send_stream(side, to, in, e);
	close(take_fd(in));
	if (r == 0)
		r = side_expect(side, WIRE_END, e);
	/* A broken archive ends the tar early, too: that is the other's error, this is the cause.
	 */
	json_t *reply = u.pid > 0 ? unpacker_result(&u, NULL, NULL, NULL, &inflating) : NULL;
	if (!reply && inflating.code && inflating.code != EPIPE) {
		*e = inflating;
		r = -e->code;
	}
	json_decref(reply);
	unpacker_stop(&u);
	return r;
}

int copy_from_stdin(struct store *s, struct copy_side *side, const char *folder, const char *user,
	const struct wire_request *request, struct copy_result *out, struct err *e)
{
	const struct into to = {folder, user, request};
	int r;
	if (is_compressed(STDIN_FILENO))
		r = send_inflated(s, side, &to, e);
	else if ((r = send_stream(side, &to, STDIN_FILENO, e)) == 0)
		r = side_expect(side, WIRE_END, e);
	if (r == 0)
		out->devices_left_out = side->wire.in.entries;
	return r;
}
