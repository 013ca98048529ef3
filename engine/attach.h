/* attach: the front's end of an attach stream (engine/monitor.h): its terminal and its three
 * descriptors on one side, frames on the other.
 *
 * Nothing blocks but poll: input and signals are passed on while the reader of the output is slow.
 * The terminal is raw only while attached and is put back on every way out, also by a signal and
 * while stopped by job control.
 */
#ifndef ENGINE_ATTACH_H
#define ENGINE_ATTACH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/proc.h"

struct err;
struct attach_ended;
struct store;

struct attach {
	int fd; /* the stream; still the caller's */
	bool in, out, err; /* which of the three are passed on */
	bool terminal; /* the container has one */
	bool sends_size; /* the window's size goes first */
	bool sig_proxy;
	const char *detach_keys; /* NULL = ctrl-p,ctrl-q; "" = none */
	struct proc_id init; /* whom signals go to */
	/* ATTACH_END: records it; the answer is sent where the result is 0, or 1: the container
	 * will be started again. May be NULL. */
	int (*ended)(void *arg, const struct attach_ended *how, struct err *e);
	void *ended_arg;
	/* May be NULL: the container's terminal was given this size. */
	void (*resized)(void *arg, unsigned rows, unsigned cols);
	void *resized_arg;
	/* A signal is about to be passed on. May be NULL. */
	void (*signals)(void *arg, int sig);
	void *signals_arg;
};

/* Results beside the container's exit code (0 to 255). */
enum { ATTACH_DETACHED = 256, ATTACH_LOST = 257 };

/* Streams until the end. An error (-EPIPE: our stdout is gone) leaves the container running. */
int attach_run(const struct attach *a, struct err *e);

/* Blocks the signals that attach_run passes on, so that none is lost or kills us before it. */
void attach_block_signals(bool sig_proxy);
void attach_unblock_signals(void);

/* Connects to the monitor of a running container and says hello; the stream (the caller's), or
 * -ENOENT, -ECONNREFUSED where nobody listens. No err: callers have other ways to go on. */
struct attach_hello;
int attach_connect(struct store *s, const char *id, const struct attach_hello *hello);
/* The same; where the sockets have gone with the run root, the monitor is asked to make them anew.
 */
struct container_row;
int attach_connect_or_wake(
	struct store *s, const struct container_row *row, const struct attach_hello *hello);
/* Waits for ATTACH_EXIT on a stream that wants nothing else: the code, ATTACH_LOST where it ended
 * without, -ETIMEDOUT after timeout_ms (-1: none). */
int attach_wait_exit(int fd, int timeout_ms);

/* "ctrl-p,ctrl-q" to bytes: their number (at most max), or -EINVAL with Docker's words. */
int detach_keys_parse(const char *text, unsigned char *keys, size_t max, struct err *e);
/* Finds the keys in what is typed. Held-back bytes come out with the next call. */
struct detach_keys {
	unsigned char keys[16];
	size_t n, matched;
};
/* Copies p to out (room for n + d->n), without a complete sequence; true where it was typed: then
 * *out_n bytes came before it. */
bool detach_keys_filter(
	struct detach_keys *d, const unsigned char *p, size_t n, unsigned char *out, size_t *out_n);

/* Window size of our terminal: false where there is none. */
bool terminal_size(unsigned *rows, unsigned *cols);

#endif
