#include "storage/pack_layer.h"
#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "storage/pack.h"
#include "storage/share.h"
#include "storage/tarsplit.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 8, SLOT_SIZE = 1024 * 1024 };

/* The packer fills slots, the hasher takes them in order. */
struct packer {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t hasher;
	unsigned char *slots[SLOTS];
	size_t lens[SLOTS];
	uint64_t made, hashed;
	bool ended;
	EVP_MD_CTX *hash;

	size_t filled; /* of the slot that is being filled */
	uint64_t length;
	uint64_t key; /* of the last file */
	struct tarsplit_writer *split;
	struct share *share;
};

static void *hasher(void *arg)
{
	struct packer *p = arg;
	for (uint64_t i = 0;; i++) {
		pthread_mutex_lock(&p->lock);
		while (p->made == i && !p->ended)
			pthread_cond_wait(&p->changed, &p->lock);
		bool is_over = p->made == i;
		pthread_mutex_unlock(&p->lock);
		if (is_over)
			return NULL;
		(void)EVP_DigestUpdate(p->hash, p->slots[i % SLOTS], p->lens[i % SLOTS]);
		pthread_mutex_lock(&p->lock);
		p->hashed = i + 1;
		pthread_cond_signal(&p->changed);
		pthread_mutex_unlock(&p->lock);
	}
}

/* The slot's free part. */
static unsigned char *room(struct packer *p, size_t *n)
{
	unsigned char **slot = &p->slots[p->made % SLOTS];
	if (p->filled == 0) {
		pthread_mutex_lock(&p->lock);
		while (p->made - p->hashed == SLOTS)
			pthread_cond_wait(&p->changed, &p->lock);
		pthread_mutex_unlock(&p->lock);
		if (!*slot)
			*slot = xmalloc(SLOT_SIZE);
	}
	*n = SLOT_SIZE - p->filled;
	return *slot + p->filled;
}

static void hand_over(struct packer *p)
{
	if (!p->filled)
		return;
	pthread_mutex_lock(&p->lock);
	p->lens[p->made % SLOTS] = p->filled;
	p->made++;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
	p->filled = 0;
}

static void filled(struct packer *p, size_t n)
{
	p->filled += n;
	p->length += n;
	if (p->filled == SLOT_SIZE)
		hand_over(p);
}

static int sink_raw(void *arg, const void *bytes, size_t n, struct err *e)
{
	struct packer *p = arg;
	const unsigned char *from = bytes;
	for (size_t left = n; left;) {
		size_t k;
		unsigned char *to = room(p, &k);
		k = k < left ? k : left;
		memcpy(to, from, k);
		filled(p, k);
		from += k;
		left -= k;
	}
	return tarsplit_raw(p->split, bytes, n, e);
}

/* One piece, read straight into the slots. */
static int read_piece(struct packer *p, int fd, const struct tar_entry *en,
	const struct tar_extent *x, uint64_t *crc, struct err *e)
{
	uint64_t at = x->offset, end = x->offset + x->len;
	while (at < end) {
		size_t k;
		unsigned char *to = room(p, &k);
		k = end - at < k ? (size_t)(end - at) : k;
		ssize_t n = pread(fd, to, k, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read /%s", en->path);
		/* Nobody writes to a layer that is being packed. */
		if (n == 0)
			return err_set(e, ESTALE, "/%s changed while it was read", en->path);
		*crc = tarsplit_crc(*crc, to, (size_t)n);
		filled(p, (size_t)n);
		at += (uint64_t)n;
	}
	return 0;
}

/* Nothing of a container's folder has ever been shared: how many names a file has is the truth. */
static void note_shareable(struct packer *p, const struct tar_entry *en, int fd)
{
	struct stat st;
	if (p->share && fstat(fd, &st) == 0 && st.st_nlink == 1)
		share_note(p->share, en->path, en, st.st_ino);
}

static int sink_content(void *arg, const struct tar_entry *en, int fd, struct err *e)
{
	struct packer *p = arg;
	const struct tar_extent whole = {0, en->stored};
	const struct tar_extent *pieces = en->is_sparse ? en->extents : &whole;
	uint64_t crc = 0;
	for (size_t i = 0; i < (en->is_sparse ? en->n_extents : 1); i++)
		if (read_piece(p, fd, en, &pieces[i], &crc, e) < 0)
			return -e->code;
	note_shareable(p, en, fd);
	return tarsplit_file(p->split, en, en->path, ++p->key, crc, e);
}

static int finish(struct packer *p, struct pack_layer_result *out, struct err *e)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	if (EVP_DigestFinal_ex(p->hash, md, NULL) != 1)
		die_oom();
	memcpy(out->diff_id, "sha256:", 7);
	hex_encode(out->diff_id + 7, md, 32);
	return tarsplit_finish(p->split, p->length, md, e);
}

static int run(struct packer *p, int diff_fd, struct pack_layer_result *out, struct err *e)
{
	const struct pack_options o = {.mode = PACK_LAYER};
	const struct pack_sink sink = {.raw = sink_raw, .content = sink_content, .arg = p};
	struct pack_result packed;
	if (pthread_create(&p->hasher, NULL, hasher, p) != 0)
		return err_set(e, EAGAIN, "cannot start a thread");
	int r = pack_tree(diff_fd, &o, &sink, &packed, e);
	hand_over(p);
	pthread_mutex_lock(&p->lock);
	p->ended = true;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->hasher, NULL);
	if (r < 0)
		return r;
	out->size = (int64_t)packed.files;
	out->entries = packed.entries;
	return finish(p, out, e);
}

int pack_layer(int diff_fd, int stage_fd, struct share *share, struct pack_layer_result *out,
	struct err *e)
{
	struct packer p = {.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.share = share};
	*out = (struct pack_layer_result){.size = 0};
	auto_fd mark =
		openat(stage_fd, PACKED_MARK, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (mark < 0)
		return err_sys(e, "cannot make " PACKED_MARK);
	p.split = tarsplit_writer_new(stage_fd, "tar-split", e);
	if (!p.split)
		return -e->code;
	p.hash = EVP_MD_CTX_new();
	if (!p.hash || EVP_DigestInit_ex(p.hash, EVP_sha256(), NULL) != 1)
		die_oom();
	int r = run(&p, diff_fd, out, e);
	EVP_MD_CTX_free(p.hash);
	tarsplit_writer_free(p.split);
	for (size_t i = 0; i < SLOTS; i++)
		free(p.slots[i]);
	return r;
}
