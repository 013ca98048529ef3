/* The state table, signal names, the monitor's arguments, detach keys, frames. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/scope.h"
#include "engine/attach.h"
#include "engine/monitor.h"
#include "engine/relay.h"
#include "engine/start.h"
#include "engine/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void states(void **state)
{
	(void)state;
	static const char *const all[] = {
		"created", "initialized", "running", "paused", "restarting", "removing", "exited", "dead"};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_string_equal(state_text(state_parse(all[i])), all[i]);
	assert_int_equal(state_parse("nonsense"), STATE_DEAD);
	assert_int_equal(state_next(STATE_CREATED, EVENT_START), STATE_RUNNING);
	assert_int_equal(state_next(STATE_RUNNING, EVENT_START), STATE_SAME);
	assert_int_equal(state_next(STATE_RUNNING, EVENT_END), STATE_EXITED);
	assert_int_equal(state_next(STATE_RUNNING, EVENT_START_FAILED), STATE_CREATED);
	assert_int_equal(state_next(STATE_EXITED, EVENT_START), STATE_RUNNING);
	assert_int_equal(state_next(STATE_REMOVING, EVENT_START), STATE_REFUSED);
	assert_int_equal(state_next(STATE_PAUSED, EVENT_REMOVE), STATE_REFUSED);
	assert_int_equal(state_next(STATE_EXITED, EVENT_KILL), STATE_REFUSED);
	assert_int_equal(state_next(STATE_RUNNING, EVENT_PAUSE), STATE_PAUSED);
	assert_int_equal(state_next(STATE_PAUSED, EVENT_UNPAUSE), STATE_RUNNING);
	assert_int_equal(state_next(STATE_EXITED, EVENT_PAUSE), STATE_REFUSED);
	assert_int_equal(state_next(STATE_RUNNING, EVENT_END_RESTART), STATE_RESTARTING);
	assert_int_equal(state_next(STATE_CREATED, EVENT_INIT), STATE_INITIALIZED);
	assert_int_equal(state_next(STATE_EXITED, EVENT_INIT), STATE_INITIALIZED);
	assert_int_equal(state_next(STATE_RUNNING, EVENT_INIT), STATE_REFUSED);
	assert_int_equal(state_next(STATE_INITIALIZED, EVENT_INIT), STATE_REFUSED);
	assert_int_equal(state_next(STATE_INITIALIZED, EVENT_START), STATE_RUNNING);
	assert_int_equal(state_next(STATE_INITIALIZED, EVENT_STOP), STATE_EXITED);
	assert_int_equal(state_next(STATE_INITIALIZED, EVENT_KILL), STATE_REFUSED);
	assert_int_equal(state_next(STATE_INITIALIZED, EVENT_REMOVE), STATE_REMOVING);
	assert_true(state_is_live(STATE_INITIALIZED) && !state_is_started(STATE_INITIALIZED));
	assert_true(state_is_started(STATE_PAUSED) && !state_is_live(STATE_CREATED));
}

/* What no state may do: a removal of what lives only with force, nothing out of removing. */
static void states_hold(void **state)
{
	(void)state;
	for (int s = 0; s < STATE_COUNT; s++) {
		enum container_state st = (enum container_state)s;
		enum container_state rm = state_next(st, EVENT_REMOVE);
		assert_true(state_is_started(st) ? rm == STATE_REFUSED
					      : rm == STATE_REMOVING || rm == STATE_SAME);
		rm = state_next(st, EVENT_REMOVE_FORCE);
		assert_true(rm == (st == STATE_REMOVING ? STATE_SAME : STATE_REMOVING));
		for (int ev = 0; ev < EVENT_COUNT; ev++) {
			enum container_state to = state_next(st, (enum container_event)ev);
			assert_true(st != STATE_REMOVING || to >= STATE_COUNT);
			assert_true(to != st);
		}
	}
}

static void one_signal(const char *text, int number)
{
	struct err e = {0};
	assert_int_equal(signal_parse(text, &e), number);
}

static void signals(void **state)
{
	(void)state;
	struct err e = {0};
	one_signal("KILL", 9);
	one_signal("SIGKILL", 9);
	one_signal("sigterm", 15);
	one_signal("9", 9);
	one_signal("64", 64);
	one_signal("RTMIN", 34);
	one_signal("SIGRTMIN+3", 37);
	one_signal("RTMAX-1", 63);
	assert_int_equal(signal_parse("FOO", &e), -EINVAL);
	assert_string_equal(e.msg, "invalid signal: FOO");
	assert_int_equal(signal_parse("0", &e), -EINVAL);
	assert_int_equal(signal_parse("", &e), -EINVAL);
	assert_int_equal(signal_parse("RTMIN+31", &e), -EINVAL);
	assert_int_equal(signal_parse("-9", &e), -EINVAL);
	assert_int_equal(signal_parse("99", &e), -EINVAL);
	assert_string_equal(e.msg, "the linux daemon does not support signal 99");
}

static void options(void **state)
{
	(void)state;
	char id[65] = {0};
	memset(id, 'a', 64);
	struct err e = {0};
	auto_strv argv = STRV_INIT;
	const struct monitor_options in = {.root = "/a b",
		.runroot = "/r",
		.id = id,
		.open_stdin = true,
		.front_stderr = true,
		.log_max_size = INT64_C(1) << 40,
		.stop_signal = 3,
		.rows = 24};
	struct monitor_options out;
	monitor_options_format(&in, &argv);
	assert_int_equal(monitor_options_parse(&out, argv.v, &e), 0);
	assert_string_equal(out.root, "/a b");
	assert_string_equal(out.id, id);
	assert_true(out.open_stdin && out.front_stderr);
	assert_false(out.stdin_once || out.auto_remove || out.front_stdin || out.log_compress);
	assert_int_equal(out.log_max_size, INT64_C(1) << 40);
	assert_int_equal(out.stop_signal, 3);
	assert_int_equal(out.rows, 24);
	assert_int_equal(out.cols, 0);
	strv_add(&argv, "--nonsense");
	assert_int_equal(monitor_options_parse(&out, argv.v, &e), -EINVAL);
	assert_int_equal(monitor_options_parse(&out, (char *[]){"m", "--root", NULL}, &e), -EINVAL);
	assert_int_equal(monitor_options_parse(&out, (char *[]){"m", NULL}, &e), -EINVAL);
}

static void keys_parse(void **state)
{
	(void)state;
	unsigned char k[4];
	struct err e = {0};
	assert_int_equal(detach_keys_parse("ctrl-p,ctrl-q", k, 4, &e), 2);
	assert_memory_equal(k, "\x10\x11", 2);
	assert_int_equal(detach_keys_parse("a,ctrl-@,ctrl-_", k, 4, &e), 3);
	assert_memory_equal(k, "a\0\x1f", 3);
	assert_int_equal(detach_keys_parse("", k, 4, &e), 0);
	assert_int_equal(detach_keys_parse("ctrl-", k, 4, &e), -EINVAL);
	assert_int_equal(detach_keys_parse("ctrl-1", k, 4, &e), -EINVAL);
	assert_int_equal(detach_keys_parse("ab", k, 4, &e), -EINVAL);
	assert_int_equal(detach_keys_parse("a,b,c,d,e", k, 4, &e), -EINVAL);
}

/* Typed in one piece and byte by byte, the same comes out. */
static void typed(const char *in, const char *want, bool detaches)
{
	for (int single = 0; single < 2; single++) {
		struct detach_keys d = {.keys = {0x10, 0x10, 0x11}, .n = 3};
		unsigned char out[64];
		char all[64] = "";
		size_t n, len = strlen(in), step = single ? 1 : len;
		bool found = false;
		for (size_t i = 0; i < len && !found; i += step) {
			found = detach_keys_filter(
				&d, (const unsigned char *)in + i, step, out, &n);
			strncat(all, (char *)out, n);
		}
		assert_string_equal(all, want);
		assert_int_equal(found, detaches);
	}
}

static void keys_filter(void **state)
{
	(void)state;
	typed("abc", "abc", false);
	typed("ab\x10\x10\x11", "ab", true);
	typed("a\x10z", "a\x10z", false);
	typed("a\x10\x10z", "a\x10\x10z", false);
	typed("\x10\x11", "\x10\x11", false);
	typed("x\x10", "x", false); /* held back */
}

struct got {
	struct buf text;
	int frames;
};

static int collect(void *arg, uint8_t type, const uint8_t *p, size_t n)
{
	struct got *g = arg;
	g->frames++;
	buf_printf(&g->text, "[%u:%.*s]", type, (int)n, (const char *)p);
	return 0;
}

static void frames(void **state)
{
	(void)state;
	int fds[2];
	char scratch[5]; /* smaller than a header */
	struct relay a, b;
	struct got g = {0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	relay_init(&a, fds[0]);
	relay_init(&b, fds[1]);
	assert_int_equal(relay_send(&a, ATTACH_RESIZE, "abcd", 4), 0);
	assert_int_equal(relay_send(&a, ATTACH_STDIN_END, NULL, 0), 0);
	assert_int_equal(relay_send(&a, ATTACH_STDOUT, "xy", 2), 0);
	int r;
	while ((r = relay_receive(&b, scratch, sizeof(scratch), collect, &g)) > 0)
		;
	assert_int_equal(r, 0);
	assert_true(str_starts(g.text.data, "[17:abcd][16:][1:x"));
	relay_deinit(&a);
	assert_int_equal(relay_receive(&b, scratch, sizeof(scratch), collect, &g), -EPIPE);
	relay_deinit(&b);
	buf_free(&g.text);
}

/* A reader that does not read: nothing blocks, nothing is lost, the order stays. */
static int add_up(void *arg, uint8_t type, const uint8_t *p, size_t n)
{
	size_t *next = arg;
	assert_int_equal(type, ATTACH_STDOUT);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], (uint8_t)((*next)++ * 7));
	return 0;
}

static void queue(void **state)
{
	(void)state;
	enum { PIECE = 65536, PIECES = 40 };
	int fds[2];
	struct relay a, b;
	size_t sent = 0, next = 0;
	auto_free uint8_t *piece = malloc(PIECE);
	auto_free char *scratch = malloc(PIECE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	relay_init(&a, fds[0]);
	relay_init(&b, fds[1]);
	for (int i = 0; i < PIECES; i++) {
		for (size_t k = 0; k < PIECE; k++)
			piece[k] = (uint8_t)(sent++ * 7);
		assert_int_equal(relay_send(&a, ATTACH_STDOUT, piece, PIECE), 0);
	}
	assert_true(relay_is_behind(&a));
	while (next < sent) {
		assert_int_equal(relay_flush(&a), 0);
		assert_true(relay_receive(&b, scratch, PIECE, add_up, &next) >= 0);
	}
	assert_false(relay_is_behind(&a));
	relay_deinit(&b);
	assert_int_equal(relay_send(&a, ATTACH_STDOUT, piece, 1), -EPIPE);
	relay_deinit(&a);
}

static void nonsense(void **state)
{
	(void)state;
	int fds[2];
	char scratch[64];
	struct relay b;
	struct got g = {0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	relay_init(&b, fds[1]);
	assert_int_equal(write(fds[0], "\x11\0\0\0\xff\xff\xff\xff", 8), 8);
	assert_int_equal(relay_receive(&b, scratch, sizeof(scratch), collect, &g), -EPROTO);
	relay_deinit(&b);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(states_hold),
		cmocka_unit_test(signals),
		cmocka_unit_test(options),
		cmocka_unit_test(keys_parse),
		cmocka_unit_test(keys_filter),
		cmocka_unit_test(frames),
		cmocka_unit_test(queue),
		cmocka_unit_test(nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
