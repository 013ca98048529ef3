/* doctor: looks for the known troubles of rootless engines and says, for each, what was found and
 * the one command that cures it.
 *
 * Each check is made on the machine as it is: user namespaces by making one, overlay by mounting
 * one in it, a device by opening it. Nothing is changed, no container is started, and the store
 * need not open. Checks that a failed command asks for (doctor_explain) are those that take no
 * time; only the whole examination asks the name servers (a second each at most).
 */
#ifndef ENGINE_DOCTOR_H
#define ENGINE_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

struct err;

enum finding {
	FINDING_OK,
	FINDING_NOTE, /* works, less than it could */
	FINDING_WARNING, /* some containers will not work */
	FINDING_FAILURE, /* nothing will work, or nearly */
};

struct diagnosis {
	const char *name; /* what was looked at: "user namespaces" */
	enum finding finding;
	char *text; /* what was found; owned */
	char *cure; /* one command; owned, NULL where there is nothing to cure or no command for it
		     */
};

struct diagnoses {
	struct diagnosis *v;
	size_t n;
};

/* root: the data root (absolute). quick: without what waits for others. */
void doctor_examine(const char *root, bool quick, struct diagnoses *out);
void diagnoses_deinit(struct diagnoses *d);
/* "ok", "note", "warning", "failure" */
const char *finding_text(enum finding f);
/* After a failure that names no cure, and that the system's refusal caused: the first failing check
 * becomes the hint. */
void doctor_explain(const char *root, struct err *e);

#endif
