/* path: names and descriptors.
 *
 * A path from a foreign source (image, container, archive) is only ever resolved by descriptor
 * below its root, with the *_in functions: symbolic links stay inside, "..", absolute names and
 * magic links cannot leave. Works where seccomp blocks openat2 too (slow walk).
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* "a" + "/" + "b", one slash between. Owned result. */
char *path_join(const char *a, const char *b);
/* Lexical clean-up as Go's path.Clean: no "//", ".", resolved "..", no trailing slash. Owned. */
char *path_clean(const char *p);
/* Absolute (from the working directory) and clean. Owned. */
char *path_abs(const char *p);
const char *path_base(const char *p);
/* Parent part; owned ("." or "/" where there is none). */
char *path_dir(const char *p);

/* openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS) below root_fd; O_CLOEXEC is added.
 * Returns the descriptor or -errno (no err: the caller knows the words). */
int path_open_in(int root_fd, const char *path, int flags, mode_t mode);
/* The same, but a link or ".." that would lead out is an error: -EXDEV. */
int path_open_beneath(int root_fd, const char *path, int flags);
/* Makes the folder and its parents below root_fd (existing ones, also behind links that stay
 * inside, are used; of a link to nowhere the target is made). Returns an O_PATH descriptor of it or
 * -errno. */
int path_mkdirs_in(int root_fd, const char *path, mode_t mode);
/* As path_open_beneath, but a link anywhere in the path, the last part included, is an error:
 * -ELOOP or -ENOTDIR (with O_PATH the last part may be one: it is not followed). So is "..":
 * -EXDEV. */
int path_open_plain(int root_fd, const char *path, int flags);
/* The path below the same root that the link `name` in the folder dir_fd, called `dir` from the
 * root, stands for. Owned; NULL where it is no link. */
char *path_link_in(int dir_fd, const char *dir, const char *name);
/* Opens (O_PATH) the parent folder of `path` below root_fd, making it where make_mode != 0;
 * *last points to the last component inside `path`. -EINVAL when there is none ("/", ".."). */
int path_open_parent_in(int root_fd, const char *path, mode_t make_mode, const char **last);

/* mkdir -p for paths of our own. */
int path_mkdirs(const char *path, mode_t mode, struct err *e);
/* Removes name below dir_fd with everything in it, without following links or crossing into
 * other names. Read-only folders are made writable. A missing name is success. */
int path_remove_at(int dir_fd, const char *name, struct err *e);
/* The same, adding to *freed the bytes of the disk that it frees: of a file with other names
 * elsewhere none. */
int path_free_at(int dir_fd, const char *name, int64_t *freed, struct err *e);

/* $variable/rest where that is an absolute path, else $HOME/fallback/rest. Owned; NULL where there is
 * neither. */
char *path_of_user(const char *variable, const char *fallback, const char *rest);

#endif
