/* copy_plan: where a copy goes, by Docker's rules; words only, no files are looked at.
 *
 *	SRC        DEST                      what is made
 *	file       missing                   DEST (an error where it ends in "/")
 *	file       file                      DEST, replaced
 *	file       folder                    DEST/name
 *	folder     missing                   DEST with its contents
 *	folder     file                      an error
 *	folder     folder                    DEST/name, merged
 *	folder/.   folder                    the contents into DEST
 *
 * "name" is the last part of SRC as it was typed, also where a link was followed to something of
 * another name.
 */
#ifndef ENGINE_COPY_PLAN_H
#define ENGINE_COPY_PLAN_H

#include <stdbool.h>

struct err;

/* One end of a copy, links followed as far as they are to be. */
struct copy_end {
	char *path; /* owned; with the "/" or "/." that was typed behind it */
	char *rebase; /* owned: what it is called where that is not path's last part; may be NULL */
	bool exists, is_folder;
};
void copy_end_deinit(struct copy_end *c);
#define auto_copy_end __attribute__((cleanup(copy_end_deinit))) struct copy_end

/* Into which folder what is to be put under which name: "." its contents. Owned. */
struct copy_plan {
	char *folder, *name;
};
void copy_plan_deinit(struct copy_plan *p);
#define auto_copy_plan __attribute__((cleanup(copy_plan_deinit))) struct copy_plan
int copy_plan_make(const struct copy_end *src, const struct copy_end *dst, struct copy_plan *out,
	struct err *e);

/* "CONTAINER:PATH", or a path of the host's ("/a:b", "./a:b", one without ":"). *container is
 * owned, NULL for the host's; the result points into arg. */
const char *copy_split(const char *arg, char **container);
bool copy_has_slash(const char *path);
bool copy_is_current(const char *path); /* "x/." */
/* The last part, as Go's filepath.Base: "/" of "/", "." of "". Owned. */
char *copy_base(const char *path);
/* Folder and last part, "/." counting as one. Owned. */
void copy_split_last(const char *path, char **folder, char **last);
/* clean with the "/." or "/" that stands behind typed. Owned. */
char *copy_keep_ending(const char *clean, const char *typed);
/* After a link was followed to `to`: its path with the ending of the typed one; *rebase as in
 * struct copy_end. Owned. */
char *copy_followed(const char *typed, const char *to, char **rebase);

#endif
