/* monitor_internal: what the files of moss-monitor share.
 *
 *   monitor_main.c   arguments, hardening, the order of things
 *   monitor_setup.c  from the bundle to a started container
 *   monitor_io.c     output to log and streams, input to the container
 *   monitor_ctl.c    the attach socket and its clients
 *   monitor_loop.c   epoll, timers
 *   monitor_again.c  the lives after the first: a restart policy's pause and the next start
 *   monitor_stand.c  before the first life: init stands before exec
 *   monitor_health.c the health check's clock
 *   monitor_end.c    the container's end
 */
#ifndef ENGINE_MONITOR_INTERNAL_H
#define ENGINE_MONITOR_INTERNAL_H

#include "engine/health.h"
#include "engine/launch.h"
#include "engine/log_write.h"
#include "engine/monitor.h"
#include "engine/relay.h"

struct err;
struct monitor;
struct store;
struct network;

/* Something in the epoll set. */
struct watch {
	int fd;
	bool is_added;
	uint32_t events;
	void (*fn)(struct monitor *m, struct watch *w, uint32_t events);
};

/* fn is called once, when the time has come. */
struct timer {
	struct watch watch; /* first: the watch is the timer */
	void (*fn)(struct monitor *m);
};

struct client {
	struct watch watch; /* first: the watch is the client */
	struct relay relay;
	struct client *next;
	bool wants_stdin, wants_stdout, wants_stderr;
	bool is_front; /* records the end when asked */
	bool is_greeted; /* its hello has come */
	bool is_gone; /* freed after the round of events */
	bool is_told; /* has its exit code: gone when it has read everything */
	bool closes_stdin; /* its end of input is the container's */
};

/* One of the container's outputs; with a terminal only the first, both ways. */
struct output {
	struct watch watch;
	enum log_stream stream;
	unsigned full_reads; /* one after the other */
};

/* The container's input and what it has not taken yet. */
struct input {
	struct watch watch;
	struct buf queue;
	size_t at;
	bool is_closing; /* closed once the queue is empty */
};

struct monitor {
	struct monitor_options opt;
	struct launch_plan *plan;
	struct launched l;
	struct network *net;
	char *settings; /* the network's, for the row */
	char *container_dir, *run_dir;
	int container_fd; /* of container_dir */
	int run_lock; /* of run_dir */
	int control;
	int terminal_peer; /* keeps the terminal from hanging up while init lives */
	bool has_terminal;
	int epoll;
	struct watch signals, init, listener;
	struct timer front_late, again, check, stop_late, expiry;
	bool is_expired; /* --timeout has killed it */
	struct output out[2];
	struct input in;
	struct client *clients;
	struct log_writer log;
	struct watch log_watch; /* of a log that is behind */
	bool has_go, init_gone, asked_front, is_over, lock_dropped;
	bool is_waiting; /* between two lives */
	bool has_waste; /* freed memory, to be given back to the system once it is quiet */
	bool is_standing; /* init stands before exec (engine/stand.h) */
	bool goes_back; /* it ends while it stands, and is what it was before */
	bool must_look; /* a client has gone meanwhile: perhaps its word is missing */
	char *arg0; /* of the program, while the plan is gone */
	bool restarts; /* as whoever recorded the end has found */
	int delay_ms; /* the last pause between two lives, 0 = none yet */
	int tries; /* of this attempt, while helpers of the last life still end */
	int64_t started_ns;
	enum health_status health; /* as the last check has told */
	pid_t checker; /* the child that checks now, 0 = none */
	struct attach_ended ended;
	/* With the host's pid namespace: children that were there before the container's program.
	 */
	bool shares_pids;
	pid_t helpers[8];
	size_t n_helpers;
};

extern char monitor_scratch[ATTACH_FRAME_MAX]; /* one read's worth, shared by all */

/* monitor_setup.c. A negative result: the caller reports and undoes. */
void monitor_init(struct monitor *m);
int monitor_prepare(struct monitor *m, struct err *e);
/* The first life, together with the front. */
int monitor_launch(struct monitor *m, struct err *e);
/* A further one, from the plan anew: up to the row and exec. 1: the row says that there is none. */
int monitor_launch_again(struct monitor *m, struct err *e);
void monitor_undo(struct monitor *m);

/* monitor_again.c */
/* The end is recorded as `restarting`: gives back what the life had, and sets the clock. */
void monitor_rest(struct monitor *m);
/* Waiting, and somebody says that the row has changed, or that we are to end. */
void monitor_look_again(struct monitor *m);
void monitor_give_up_waiting(struct monitor *m);

/* Init execs, and its run's clocks begin. */
int monitor_let_run(struct monitor *m, struct err *e);
/* Its end is noticed from now on. */
int monitor_watch_init(struct monitor *m, struct err *e);

/* monitor_stand.c: engine/stand.h has the protocol. */
int monitor_stand(struct monitor *m, struct err *e);
/* c: who says go, NULL: the row says so. */
void monitor_go(struct monitor *m, struct client *c, int64_t started_ns);
/* Where must_look. */
void monitor_look_at_row(struct monitor *m);
void monitor_stand_down(struct monitor *m);

/* monitor_loop.c */
int watch_add(struct monitor *m, struct watch *w, uint32_t events);
/* Not in the set at all: epoll reports hang-ups even of what is not asked for. */
void watch_remove(struct monitor *m, struct watch *w);
/* 0: never (what was set before is taken back). -errno. */
int timer_set(struct monitor *m, struct timer *t, int64_t ms, void (*fn)(struct monitor *m));
int monitor_loop_open(struct monitor *m, struct err *e);
/* Runs until the container is over, then (all_clients) until every reader has all of it. */
void monitor_loop(struct monitor *m, bool all_clients);

/* monitor_io.c */
void output_ready(struct monitor *m, struct watch *w, uint32_t events);
/* Of a log that takes more again. */
void log_ready(struct monitor *m, struct watch *w, uint32_t events);
/* Starts and stops reading by who is behind. */
void monitor_balance(struct monitor *m);
/* Reads what is there, however slow the clients are: at the end. */
void monitor_drain(struct monitor *m);
void input_ready(struct monitor *m, struct watch *w, uint32_t events);
void input_add(struct monitor *m, const uint8_t *p, size_t n);
void input_close(struct monitor *m);
void monitor_resize(struct monitor *m, unsigned rows, unsigned cols);

/* monitor_ctl.c */
int monitor_listen(struct monitor *m, struct err *e);
struct client *client_add(struct monitor *m, int fd);
void client_drop(struct monitor *m, struct client *c);
void clients_send_output(struct monitor *m, enum log_stream stream, const char *p, size_t n);
/* One frame to all. */
void clients_send(struct monitor *m, uint8_t type, const void *p, size_t n);
/* ATTACH_EXIT to all that are not told yet. */
void clients_send_exit(struct monitor *m);
void clients_sweep(struct monitor *m);
void listener_ready(struct monitor *m, struct watch *w, uint32_t events);

/* monitor_health.c: also --timeout, which ends with the round, too. */
void monitor_check_begin(struct monitor *m);
void monitor_check_end(struct monitor *m);
/* The checker has exited. */
void monitor_check_ended(struct monitor *m, int status);

/* monitor_end.c */
/* The parts of a store that recording needs, with its database: nothing is swept or checked on the
 * way. To be ended also after an error. */
int monitor_store(struct monitor *m, struct store *s, struct err *e);
void monitor_store_done(struct store *s);
/* Before GO: which children are not the container's. */
void monitor_note_helpers(struct monitor *m);
/* A start that failed after GO, with the front gone, or a later one: nobody else would record it.
 */
void monitor_record_failure(struct monitor *m, const struct err *e);
/* A later life, from `restarting`: 1 where the row says something else by now. */
int monitor_record_start(struct monitor *m, struct err *e);
/* As m->ended and m->restarts; the row is looked at again. */
void monitor_record_end(struct monitor *m);
/* What the row says; its start, where it runs. -errno. */
int monitor_row_state(struct monitor *m, int64_t *started_ns, struct err *e);
/* The row still says `restarting` (or cannot be read). */
bool monitor_is_wanted(struct monitor *m);
/* The end is recorded: everybody may know; what waits for a next life does so. */
void monitor_finish(struct monitor *m);
/* Drained first. */
void monitor_close_streams(struct monitor *m);
/* What a life had beside its streams: servers, network, descriptors. */
void monitor_end_life(struct monitor *m);
void init_ended(struct monitor *m, struct watch *w, uint32_t events);
void monitor_front_recorded(struct monitor *m, bool restarts);
void monitor_front_is_late(struct monitor *m);
/* After the loop: lock, network, servers, files. */
void monitor_clean_up(struct monitor *m);

#endif
