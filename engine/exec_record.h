/* exec_record: what is known of the processes that exec starts: their events, and which of them
 * live.
 *
 * Each has a file, <run dir of the container>/exec-<id>, whose lock its holder keeps: the list of
 * those that live costs no row. With the container its folder goes, and the files in it; who still
 * has one open learns its code from it, and by a last letter whether its end was recorded. At the
 * end the holder writes the exit code into the file, then lets go of the lock; whoever waits for
 * the process (the command, or its shadow in the background) records the end and removes the file.
 * Where that one was killed, the next exec or inspect finds a file without a lock and does it. The
 * id is Docker's execID.
 */
#ifndef ENGINE_EXEC_RECORD_H
#define ENGINE_EXEC_RECORD_H

struct container_row;
struct err;
struct store;
struct strv;

struct exec_record {
	char id[65];
	char *path; /* of its file; owned */
	int lock;  /* the file, until it is the holder's alone; -1 = none */
	int watch; /* the file once more, of who sees the end; -1 = none */
};

/* A new id, its file, and the events exec_create and exec_start. What fails is only not recorded:
 * a full disk stops no exec. */
void exec_record_begin(struct store *s, const struct container_row *row, const char *const *args,
	struct exec_record *x);
void exec_record_deinit(struct exec_record *x);
/* The holder's last word, into the file. */
void exec_record_code(int lock, int code);
/* It did not start: there is no exec_die. */
void exec_record_failed(struct exec_record *x);
/* Blocks until its holder has gone. Its file (the caller's, not close-on-exec), -1 = none. */
int exec_record_wait(const struct exec_record *x);
/* With that descriptor: its end, where nobody has recorded it. */
void exec_record_settle(struct store *s, const struct container_row *row, const char *id, int fd);
/* The event exec_die; the file goes. Of two that do it at once one does it. */
void exec_record_end(
	struct store *s, const struct container_row *row, const struct exec_record *x, int code);
/* Its user left it by the detach keys. */
void exec_record_detached(
	struct store *s, const struct container_row *row, const struct exec_record *x);

/* The ids of those that live; ends that nobody has recorded are. */
void exec_record_live(struct store *s, const struct container_row *row, struct strv *ids);

#endif
