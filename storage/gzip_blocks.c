#include "storage/gzip_blocks.h"
#include "storage/deflate.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"

#include <endian.h>
#include <errno.h>
#include <isa-l/crc.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK = 512 * 1024,
	THREADS_MAX = 8, /* each costs 1.5 MB */
	SPARE = 2, /* blocks beyond those being deflated: one is filled, one waits to be written */
};

struct block {
	/* The dictionary ends where the block begins. */
	unsigned char in[DEFLATE_DICTIONARY + BLOCK];
	size_t dictionary, len;
	unsigned char *out;
	size_t made;
	int result;
	bool is_done;
};

struct gzip_blocks {
	gzip_sink sink;
	void *arg;
	int level;
	size_t room; /* of each block's out */
	unsigned threads, n_started;
	pthread_t thread[THREADS_MAX];
	struct deflate *own; /* the caller's coder */
	uint32_t crc, length;
	bool has_header;

	pthread_mutex_t lock;
	pthread_cond_t work, done;
	/* Counts of blocks: filled >= taken >= written. The next to be filled is filled % n. */
	uint64_t filled, taken, written;
	bool is_stopped;
	size_t n;
	struct block *block[THREADS_MAX + SPARE];
};

unsigned gzip_blocks_threads(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : CPU_COUNT(&set);
	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

struct gzip_blocks *gzip_blocks_new(int level, unsigned threads, gzip_sink sink, void *arg)
{
	struct gzip_blocks *g = xcalloc(1, sizeof(*g));
	g->sink = sink;
	g->arg = arg;
	g->level = level;
	g->room = deflate_room(BLOCK);
	g->threads = threads > THREADS_MAX ? THREADS_MAX : threads;
	g->n = g->threads ? g->threads + SPARE : 1;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->work, NULL);
	pthread_cond_init(&g->done, NULL);
	return g;
}

void gzip_blocks_free(struct gzip_blocks *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	g->is_stopped = true;
	pthread_cond_broadcast(&g->work);
	pthread_mutex_unlock(&g->lock);
	for (unsigned i = 0; i < g->n_started; i++)
		pthread_join(g->thread[i], NULL);
	for (size_t i = 0; i < g->n; i++) {
		if (g->block[i])
			free(g->block[i]->out);
		free(g->block[i]);
	}
	deflate_free(g->own);
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->work);
	pthread_cond_destroy(&g->done);
	free(g);
}

/* ---- deflating ---- */

static void deflate_one(const struct gzip_blocks *g, struct deflate *d, struct block *b)
{
	b->result = deflate_block(
		d, b->in + DEFLATE_DICTIONARY, b->len, b->dictionary, b->out, g->room, &b->made);
}

static void *worker_main(void *arg)
{
	struct gzip_blocks *g = arg;
	struct deflate *d = deflate_new(g->level);
	pthread_mutex_lock(&g->lock);
	for (;;) {
		while (g->taken == g->filled && !g->is_stopped)
			pthread_cond_wait(&g->work, &g->lock);
		if (g->is_stopped)
			break;
		struct block *b = g->block[g->taken++ % g->n];
		pthread_mutex_unlock(&g->lock);
		deflate_one(g, d, b);
		pthread_mutex_lock(&g->lock);
		b->is_done = true;
		pthread_cond_signal(&g->done);
	}
	pthread_mutex_unlock(&g->lock);
	deflate_free(d);
	return NULL;
}

/* ---- the caller ---- */

static struct block *current(struct gzip_blocks *g) { return g->block[g->filled % g->n]; }

/* The next to be filled is free, and begins with the end of the one before it. */
static void open_block(struct gzip_blocks *g)
{
	size_t i = g->filled % g->n;
	if (!g->block[i]) {
		g->block[i] = xmalloc(sizeof(*g->block[i]));
		g->block[i]->out = xmalloc(g->room);
	}
	struct block *b = g->block[i];
	b->dictionary = 0;
	if (g->filled) {
		const struct block *before = g->block[(g->filled - 1) % g->n];
		/* With one block alone the two are the same. */
		memmove(b->in, before->in + BLOCK, DEFLATE_DICTIONARY);
		b->dictionary = DEFLATE_DICTIONARY;
	}
	b->len = 0;
	b->is_done = false;
}

static int write_block(struct gzip_blocks *g, const struct block *b, struct err *e)
{
	/* No name and no time: nothing but the content is in the result. */
	static const unsigned char header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
	if (b->result < 0)
		return err_sysn(e, -b->result, "cannot compress the layer");
	if (!g->has_header && g->sink(g->arg, header, sizeof(header), e) < 0)
		return -e->code;
	g->has_header = true;
	return g->sink(g->arg, b->out, b->made, e);
}

/* Writes what is done; waits until at most `most` blocks are under way. */
static int write_done(struct gzip_blocks *g, uint64_t most, struct err *e)
{
	for (;;) {
		const struct block *b = g->block[g->written % g->n];
		pthread_mutex_lock(&g->lock);
		while (g->filled - g->written > most && !b->is_done)
			pthread_cond_wait(&g->done, &g->lock);
		bool is_ready = g->filled > g->written && b->is_done;
		pthread_mutex_unlock(&g->lock);
		if (!is_ready)
			return 0;
		if (write_block(g, b, e) < 0)
			return -e->code;
		g->written++;
	}
}

/* Another thread for the block that comes now, as long as there may be more of them. */
static void start_thread(struct gzip_blocks *g)
{
	if (g->n_started == g->threads)
		return;
	if (pthread_create(&g->thread[g->n_started], NULL, worker_main, g) == 0)
		g->n_started++;
	else
		g->threads = g->n_started;
}

static int hand_over(struct gzip_blocks *g, struct err *e)
{
	struct block *b = current(g);
	if (!g->n_started) {
		if (!g->own)
			g->own = deflate_new(g->level);
		deflate_one(g, g->own, b);
		b->is_done = true;
	}
	pthread_mutex_lock(&g->lock);
	g->filled++;
	if (!g->n_started)
		g->taken++;
	pthread_cond_signal(&g->work);
	pthread_mutex_unlock(&g->lock);
	return write_done(g, g->n - 1, e);
}

int gzip_blocks_add(struct gzip_blocks *g, const void *p, size_t n, struct err *e)
{
	const unsigned char *at = p;
	g->crc = crc32_gzip_refl(g->crc, at, n);
	g->length += (uint32_t)n;
	if (!g->block[0])
		open_block(g);
	while (n > 0) {
		struct block *b = current(g);
		size_t k = n < BLOCK - b->len ? n : BLOCK - b->len;
		memcpy(b->in + DEFLATE_DICTIONARY + b->len, at, k);
		b->len += k;
		at += k;
		n -= k;
		if (b->len < BLOCK)
			continue;
		start_thread(g);
		if (hand_over(g, e) < 0)
			return -e->code;
		open_block(g);
	}
	return 0;
}

int gzip_blocks_finish(struct gzip_blocks *g, struct err *e)
{
	/* An empty last block of deflate; then the checksum and the length. */
	unsigned char end[10] = {3, 0};
	uint32_t crc = htole32(g->crc), length = htole32(g->length);
	memcpy(end + 2, &crc, sizeof(crc));
	memcpy(end + 6, &length, sizeof(length));
	if (!g->block[0])
		open_block(g);
	if (hand_over(g, e) < 0 || write_done(g, 0, e) < 0)
		return -e->code;
	return g->sink(g->arg, end, sizeof(end), e);
}
