#include "storage/unpack_stream.h"
#include "storage/unpack_inflate.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SLOTS = 8, SLOT_SIZE = 512 * 1024, INPUT_SIZE = 256 * 1024 };

struct unpack_stream {
	int fd, stop_fd;
	struct stream_source from; /* in place of fd */
	bool has_no_digests;
	pthread_t inflater, hasher;
	bool has_inflater, has_hasher;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned char *slots[SLOTS];
	size_t lens[SLOTS];
	uint64_t made, hashed, taken; /* counts of slots */
	bool ended, stopped;
	struct err failure; /* code != 0: the inflater's */

	/* the inflater's own */
	unsigned char *input;
	EVP_MD_CTX *blob_hash;
	uint64_t length;
	_Atomic uint64_t compressed;
	size_t filled; /* of the slot being filled */
	/* the hasher's own */
	EVP_MD_CTX *tar_hash;
	/* the caller's own */
	bool holds_slot;
};

static EVP_MD_CTX *hash_new(void)
{
	EVP_MD_CTX *h = EVP_MD_CTX_new();
	if (!h || EVP_DigestInit_ex(h, EVP_sha256(), NULL) != 1)
		die_oom();
	return h;
}

/* ---- inflater ---- */

static int stopped(struct err *e) { return err_set(e, ECANCELED, "stopped"); }

/* Reads, unless the stream is told to stop while the other end of a pipe is slow. */
static ssize_t read_fd_or_stop(struct unpack_stream *s, struct err *e)
{
	struct pollfd pfd[2] = {
		{.fd = s->fd, .events = POLLIN},
		{.fd = s->stop_fd, .events = POLLIN},
	};
	for (;;) {
		if (poll(pfd, 2, -1) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for the layer's data");
		if (pfd[1].revents)
			return stopped(e);
		ssize_t n = read(s->fd, s->input, INPUT_SIZE);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		return n < 0 ? err_sys(e, "cannot read the layer's data") : n;
	}
}

static ssize_t inflater_in(void *arg, const unsigned char **p, struct err *e)
{
	struct unpack_stream *s = arg;
	ssize_t n = s->from.read ? s->from.read(s->from.arg, s->input, INPUT_SIZE, e)
				 : read_fd_or_stop(s, e);
	if (n <= 0)
		return n;
	if (!s->has_no_digests)
		(void)EVP_DigestUpdate(s->blob_hash, s->input, (size_t)n);
	s->compressed += (uint64_t)n;
	*p = s->input;
	return n;
}

static bool ring_full(const struct unpack_stream *s)
{
	uint64_t done = s->hashed < s->taken ? s->hashed : s->taken;
	return s->made - done == SLOTS;
}

static ssize_t inflater_room(void *arg, unsigned char **p, struct err *e)
{
	struct unpack_stream *s = arg;
	if (s->filled == 0) {
		pthread_mutex_lock(&s->lock);
		while (ring_full(s) && !s->stopped)
			pthread_cond_wait(&s->changed, &s->lock);
		bool stop = s->stopped;
		pthread_mutex_unlock(&s->lock);
		if (stop)
			return stopped(e);
	}
	*p = s->slots[s->made % SLOTS] + s->filled;
	return (ssize_t)(SLOT_SIZE - s->filled);
}

static void hand_over(struct unpack_stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->lens[s->made % SLOTS] = s->filled;
	s->made++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	s->filled = 0;
}

static int inflater_filled(void *arg, size_t n, struct err *e)
{
	struct unpack_stream *s = arg;
	s->filled += n;
	s->length += n;
	if (s->length > RATIO_FREE_BYTES && s->length / RATIO_MAX > s->compressed)
		return err_set(e, EFBIG, "layer expands to more than %d times its size: refused",
			RATIO_MAX);
	if (s->filled == SLOT_SIZE)
		hand_over(s);
	return 0;
}

static void *inflater_main(void *arg)
{
	struct unpack_stream *s = arg;
	struct err e = {0};
	const struct inflate_io io = {inflater_in, inflater_room, inflater_filled, s};
	int r = inflate_all(&io, &e);
	if (r == 0 && s->filled > 0)
		hand_over(s);
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	if (r < 0)
		s->failure = e;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- hasher ---- */

static void *hasher_main(void *arg)
{
	struct unpack_stream *s = arg;
	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->hashed == s->made && !s->ended && !s->stopped)
			pthread_cond_wait(&s->changed, &s->lock);
		if (s->stopped || s->hashed == s->made)
			break;
		size_t i = s->hashed % SLOTS;
		pthread_mutex_unlock(&s->lock);
		(void)EVP_DigestUpdate(s->tar_hash, s->slots[i], s->lens[i]);
		pthread_mutex_lock(&s->lock);
		s->hashed++;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- caller ---- */

static struct unpack_stream *start(
	int fd, const struct stream_source *from, bool has_digests, struct err *e)
{
	struct unpack_stream *s = xcalloc(1, sizeof(*s));
	s->fd = fd;
	s->from = *from;
	s->has_no_digests = !has_digests;
	s->hashed = has_digests ? 0 : UINT64_MAX; /* nobody waits for it */
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->blob_hash = hash_new();
	s->tar_hash = hash_new();
	s->input = xmalloc(INPUT_SIZE);
	for (int i = 0; i < SLOTS; i++)
		s->slots[i] = xmalloc(SLOT_SIZE);
	int r = s->stop_fd < 0 ? errno : pthread_create(&s->inflater, NULL, inflater_main, s);
	s->has_inflater = r == 0;
	if (r == 0 && has_digests) {
		r = pthread_create(&s->hasher, NULL, hasher_main, s);
		s->has_hasher = r == 0;
	}
	if (r != 0) {
		stream_free(s);
		err_sysn(e, r, "cannot start unpacking");
		return NULL;
	}
	return s;
}

struct unpack_stream *stream_new(int fd, struct err *e)
{
	const struct stream_source none = {0};
	return start(fd, &none, true, e);
}

struct unpack_stream *stream_new_from(const struct stream_source *from, struct err *e)
{
	return start(-1, from, true, e);
}

struct unpack_stream *stream_new_unhashed(int fd, struct err *e)
{
	const struct stream_source none = {0};
	return start(fd, &none, false, e);
}

void stream_free(struct unpack_stream *s)
{
	if (!s)
		return;
	const uint64_t one = 1;
	pthread_mutex_lock(&s->lock);
	s->stopped = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (s->stop_fd >= 0)
		(void)!write(s->stop_fd, &one, sizeof(one));
	if (s->has_inflater)
		pthread_join(s->inflater, NULL);
	if (s->has_hasher)
		pthread_join(s->hasher, NULL);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	EVP_MD_CTX_free(s->blob_hash);
	EVP_MD_CTX_free(s->tar_hash);
	for (int i = 0; i < SLOTS; i++)
		free(s->slots[i]);
	free(s->input);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s);
}

ssize_t stream_next(void *stream, const unsigned char **p, struct err *e)
{
	struct unpack_stream *s = stream;
	ssize_t n = 0;
	pthread_mutex_lock(&s->lock);
	if (s->holds_slot) {
		s->holds_slot = false;
		s->taken++;
		pthread_cond_broadcast(&s->changed);
	}
	while (s->taken == s->made && !s->ended)
		pthread_cond_wait(&s->changed, &s->lock);
	if (s->taken < s->made) {
		size_t i = s->taken % SLOTS;
		*p = s->slots[i];
		n = (ssize_t)s->lens[i];
		s->holds_slot = true;
	} else if (s->failure.code) {
		*e = s->failure;
		n = -e->code;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void digest_text(EVP_MD_CTX *h, unsigned char sha[32], char text[72])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	(void)EVP_DigestFinal_ex(h, md, NULL);
	memcpy(sha, md, 32);
	memcpy(text, "sha256:", 7);
	hex_encode(text + 7, md, 32);
}

void stream_finish(struct unpack_stream *s, struct stream_result *out)
{
	unsigned char ignored[32];
	if (s->has_inflater)
		pthread_join(s->inflater, NULL);
	if (s->has_hasher)
		pthread_join(s->hasher, NULL);
	s->has_inflater = s->has_hasher = false;
	digest_text(s->blob_hash, ignored, out->digest);
	digest_text(s->tar_hash, out->diff_sha256, out->diff_id);
	out->compressed = s->compressed;
	out->length = s->length;
}

uint64_t stream_position(struct unpack_stream *s) { return s->compressed; }
