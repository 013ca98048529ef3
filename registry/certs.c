#include "registry/certs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

enum { PEM_MAX = 16 * 1024 * 1024 };

static const char system_bundle[] = "/etc/ssl/certs/ca-certificates.crt";

/* Appends a file, with a line end; a missing one is nothing. */
static int add_file(int dir, const char *name, struct buf *out, struct err *e)
{
	auto_buf text = BUF_INIT;
	struct err file_error = {0};
	int r = read_file_at(dir, name, PEM_MAX, &text, &file_error);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		*e = file_error;
		return r;
	}
	buf_add(out, text.data ? text.data : "", text.len);
	buf_putc(out, '\n');
	return 0;
}

/* Every file in the folder whose name ends so (NULL: any that may be a certificate). */
static int add_folder(const char *path, const char *suffix, struct buf *out, struct err *e)
{
	auto_dir dir = opendir(path);
	const struct dirent *d;
	int r = 0;
	while (dir && r == 0 && (d = readdir(dir))) {
		const char *name = d->d_name;
		if (name[0] == '.' || d->d_type == DT_DIR || (suffix && !str_ends(name, suffix)))
			continue;
		r = add_file(dirfd(dir), name, out, e);
	}
	return r;
}

/* The authorities everybody trusts: needed as text only where more are added to them. */
static int add_system(struct buf *ca, struct err *e)
{
	const char *file = getenv("SSL_CERT_FILE"), *folder = getenv("SSL_CERT_DIR");
	int r = 0;
	if (!str_empty(file))
		r = add_file(AT_FDCWD, file, ca, e);
	else if (str_empty(folder))
		r = add_file(AT_FDCWD, system_bundle, ca, e);
	if (r < 0 || str_empty(folder))
		return r;
	auto_strv folders = STRV_INIT;
	strv_split(&folders, folder, ':');
	for (size_t i = 0; i < folders.n && r == 0; i++)
		r = add_folder(folders.v[i], NULL, ca, e);
	return r;
}

static bool system_is_replaced(void)
{
	return !str_empty(getenv("SSL_CERT_FILE")) || !str_empty(getenv("SSL_CERT_DIR"));
}

/* The folder of the registry that exists; owned, or NULL. */
static char *find_folder(const char *host)
{
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	auto_free char *own =
		str_empty(config) ? xasprintf("%s/.config", home ? home : "/") : xstrdup(config);
	auto_free char *dot = xasprintf("%s/.docker", home ? home : "");
	const char *const bases[] = {own, own, dot, "/etc", "/etc"};
	const char *const owners[] = {"docker/", "containers/", "", "docker/", "containers/"};
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		char *path = xasprintf("%s/%scerts.d/%s", bases[i], owners[i], host);
		if (access(path, R_OK | X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* The first NAME.cert with its NAME.key. */
static int add_client_pair(const char *path, struct buf *cert, struct buf *key, struct err *e)
{
	auto_dir dir = opendir(path);
	const struct dirent *d;
	while (dir && (d = readdir(dir))) {
		if (!str_ends(d->d_name, ".cert"))
			continue;
		auto_free char *stem = xstrndup(d->d_name, strlen(d->d_name) - strlen(".cert"));
		auto_free char *key_name = xasprintf("%s.key", stem);
		int r = add_file(dirfd(dir), d->d_name, cert, e);
		if (r == 0)
			r = add_file(dirfd(dir), key_name, key, e);
		if (r == 0 && !key->len)
			r = err_set(e, ENOENT, "missing key %s for client certificate %s in %s",
				key_name, d->d_name, path);
		return r;
	}
	return 0;
}

int certs_load_system(struct buf *ca, struct err *e)
{
	int r = system_is_replaced() ? add_system(ca, e) : 0;
	return r < 0 ? err_ctx(e, "cannot use the certificates of authorities") : 0;
}

int certs_load(const char *host, const char *cert_dir, struct buf *ca, struct buf *cert,
	struct buf *key, struct err *e)
{
	auto_free char *path = cert_dir ? xstrdup(cert_dir) : find_folder(host);
	auto_buf own = BUF_INIT;
	int r = path ? add_folder(path, ".crt", &own, e) : 0;
	if (r == 0 && path)
		r = add_client_pair(path, cert, key, e);
	if (r == 0 && (own.len || system_is_replaced()))
		r = add_system(ca, e);
	if (r == 0 && own.len)
		buf_add(ca, own.data, own.len);
	return r < 0 ? err_ctx(e, "cannot use the certificates of %s", host) : 0;
}
