/* seccomp_file: --security-opt seccomp=FILE: a profile in Docker's format (archMap, includes and
 * excludes by capability, architecture, kernel) as OCI's linux.seccomp. */
#ifndef ENGINE_SECCOMP_FILE_H
#define ENGINE_SECCOMP_FILE_H

struct err;
struct json_t;
struct strv;

/* caps: the container's bounding set. New reference, or NULL with e set. */
struct json_t *seccomp_file_load(
	const char *text, const char *path, const struct strv *caps, struct err *e);

#endif
