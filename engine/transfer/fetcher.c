#include "engine/transfer/fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/scope.h"
#include "base/spawn.h"
#include "base/str.h"
#include "engine/enter.h"
#include "engine/transfer/proto.h"
#include "engine/transfer/pull.h"
#include "registry/credentials.h"
#include "registry/reference.h"
#include "registry/registries.h"

/* Upper case is what Go programs read first; libcurl reads only these names. */
static void add_proxy(struct strv *env, const char *lower, const char *upper)
{
	const char *value = getenv(upper);
	if (str_empty(value))
		value = getenv(lower);
	if (!str_empty(value))
		strv_addf(env, "%s=%s", lower, value);
}

static void make_environment(struct strv *env)
{
	static const char *const passed[] = {"PATH", "HOME", "XDG_CONFIG_HOME", "SSL_CERT_FILE",
		"SSL_CERT_DIR", "MOSS_DEBUG", "MOSS_STALL_SECONDS", "LD_LIBRARY_PATH",
		"ASAN_OPTIONS", "UBSAN_OPTIONS", "RES_OPTIONS", "LOCALDOMAIN"};
	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		const char *value = getenv(passed[i]);
		if (value)
			strv_addf(env, "%s=%s", passed[i], value);
	}
	add_proxy(env, "http_proxy", "HTTP_PROXY");
	add_proxy(env, "https_proxy", "HTTPS_PROXY");
	add_proxy(env, "all_proxy", "ALL_PROXY");
	add_proxy(env, "no_proxy", "NO_PROXY");
}

static int start_process(struct store *s, struct fetcher *f, struct err *e)
{
	int pair[2];
	int r = msg_pair(pair);
	if (r < 0)
		return err_sysn(e, -r, "cannot make a socket");
	auto_fd ours = pair[0], theirs = pair[1];
	auto_free char *program = spawn_helper_path("moss-transfer");
	auto_strv env = STRV_INIT;
	make_environment(&env);
	char *argv[] = {(char *)"moss-transfer", (char *)"fetch", NULL};
	struct spawn sp = SPAWN_INIT;
	sp.file = program;
	sp.argv = argv;
	sp.envp = env.v;
	sp.fds = &theirs;
	sp.n_fds = 1;
	sp.fd_err = proto_helper_stderr();
	sp.death_signal = SIGKILL;
	struct entered in;
	r = enter_spawn(s, &sp, &in, e);
	if (r < 0)
		return r;
	if (in.creation_lock >= 0)
		close(in.creation_lock);
	f->pid = in.pid;
	f->pidfd = in.pidfd;
	f->id = in.id;
	f->sock = take_fd(ours);
	return 0;
}

/* One message; {"error"} as a negative result. */
static json_t *receive(struct fetcher *f, const char **kind, struct err *e)
{
	*kind = "other";
	json_t *m = proto_recv(f->sock, NULL, NULL, e);
	if (!m && e->code == 0)
		err_set(e, EPIPE, "the fetcher died unexpectedly");
	return m;
}

/* The answer to a request that stands alone. */
static json_t *answer(struct fetcher *f, const char **kind, struct err *e)
{
	json_t *m = receive(f, kind, e);
	if (m && proto_error(m, kind, e) < 0) {
		json_decref(m);
		return NULL;
	}
	return m;
}

static json_t *auth_json(const struct credentials *c)
{
	json_t *auth = json_object();
	if (c->username) {
		json_set_str(auth, "username", c->username);
		json_set_str(auth, "password", c->password);
	}
	if (c->identity_token)
		json_set_str(auth, "identity_token", c->identity_token);
	if (c->registry_token)
		json_set_str(auth, "registry_token", c->registry_token);
	return auth;
}

static int configure(struct fetcher *f, const struct reference *ref, const struct pull_options *o,
	const struct credentials *cred, const struct strv *push_from, struct err *e)
{
	auto_json m = json_object();
	auto_free char *name = reference_full(ref);
	json_set_str(m, "op", "config");
	json_set_str(m, "ref", name);
	json_set_int(m, "tls_verify",
		o->tls == PULL_TLS_VERIFY     ? 1
		: o->tls == PULL_TLS_INSECURE ? 0
					      : -1);
	if (o->retries >= 0 && o->has_retries)
		json_set_int(m, "retries", o->retries);
	if (o->retry_delay_ms > 0)
		json_set_int(m, "retry_delay_ms", o->retry_delay_ms);
	if (o->cert_dir) {
		auto_free char *dir = path_abs(o->cert_dir);
		json_set_str(m, "cert_dir", dir);
	}
	if (push_from)
		json_set(m, "push_from", json_from_strv(push_from));
	json_set(m, "auth", auth_json(cred));
	return proto_send(f->sock, m, NULL, 0, e);
}

int fetcher_ready(struct fetcher *f, struct err *e)
{
	const char *kind;
	auto_json reply = answer(f, &kind, e);
	return reply ? 0 : -e->code;
}

/* What registries.conf says of the registry. A pull has asked for each of its places. */
static int admit(const struct reference *ref, struct pull_options *o, struct err *e)
{
	bool is_insecure = false;
	if (o->is_place)
		return 0;
	auto_registries r = registries_load(e);
	if (!r || registries_admit(r, ref, &is_insecure, e) < 0)
		return -e->code;
	if (is_insecure && o->tls == PULL_TLS_DEFAULT)
		o->tls = PULL_TLS_INSECURE;
	return 0;
}

/* A folder that is not there has no certificates: the failure would be about those. */
static int check_cert_dir(const char *dir, struct err *e)
{
	struct stat st;
	int code = !dir || stat(dir, &st) == 0 ? 0 : errno;
	if (!code && dir && !S_ISDIR(st.st_mode))
		code = ENOTDIR;
	if (!code)
		return 0;
	(void)err_go(e, code, "open %s", dir);
	e->code = EINVAL; /* of the flag, not of the image */
	return -EINVAL;
}

static int start(struct store *s, const struct reference *ref, const struct pull_options *o,
	const struct credentials *c, const struct strv *push_from, struct fetcher *f, struct err *e)
{
	struct pull_options admitted = *o;
	*f = FETCHER_INIT;
	int r = check_cert_dir(o->cert_dir, e);
	if (r == 0)
		r = admit(ref, &admitted, e);
	if (r < 0)
		return r;
	r = start_process(s, f, e);
	if (r < 0)
		return err_ctx(e, "cannot start the fetcher");
	r = configure(f, ref, &admitted, c, push_from, e);
	if (r < 0)
		fetcher_stop(f);
	return r;
}

static int find_credentials(const struct reference *ref, const struct pull_options *o,
	struct credentials *cred, struct err *e)
{
	int r = o->creds ? credentials_parse(o->creds, cred, e)
			 : credentials_find(o->config_dir, o->authfile, ref, cred, e);
	return r < 0 ? r : 0;
}

int fetcher_start(struct store *s, const struct reference *ref, const struct pull_options *o,
	struct fetcher *f, struct err *e)
{
	return fetcher_start_push(s, ref, o, NULL, f, e);
}

int fetcher_start_as(struct store *s, const struct reference *ref, const struct pull_options *o,
	const struct credentials *c, struct fetcher *f, struct err *e)
{
	return start(s, ref, o, c, NULL, f, e);
}

int fetcher_start_push(struct store *s, const struct reference *ref, const struct pull_options *o,
	const struct strv *from, struct fetcher *f, struct err *e)
{
	auto_credentials cred = {0};
	*f = FETCHER_INIT;
	int r = find_credentials(ref, o, &cred, e);
	return r < 0 ? r : start(s, ref, o, &cred, from, f, e);
}

int fetcher_start_url(struct store *s, const char *url, int out, struct fetcher *f, struct err *e)
{
	*f = FETCHER_INIT;
	int r = start_process(s, f, e);
	if (r < 0)
		return err_ctx(e, "cannot start the fetcher");
	auto_json m = json_object();
	json_set_str(m, "op", "url");
	json_set_str(m, "url", url);
	r = proto_send(f->sock, m, &out, 1, e);
	if (r < 0)
		fetcher_stop(f);
	return r;
}

void fetcher_stop(struct fetcher *f)
{
	int saved = errno;
	if (f->sock >= 0)
		close(f->sock);
	if (f->pidfd >= 0) {
		/* It keeps nothing that a kill could spoil; waiting for its libraries to close
		 * down would only cost time. */
		(void)proc_kill_wait(f->pidfd, 10000);
		close(f->pidfd);
	}
	if (f->pid > 0)
		(void)spawn_wait(f->pid);
	*f = FETCHER_INIT;
	errno = saved;
}

void fetched_manifest_deinit(struct fetched_manifest *m)
{
	if (m->fd >= 0)
		close(m->fd);
	free(m->media_type);
	free(m->digest);
	*m = (struct fetched_manifest){.fd = -1};
}

static int request_into(struct fetcher *f, const char *op, const char *ref, int fd, struct err *e)
{
	auto_json m = json_object();
	json_set_str(m, "op", op);
	json_set_str(m, "ref", ref);
	return proto_send(f->sock, m, &fd, 1, e);
}

int fetcher_memory_file(struct err *e)
{
	int fd = memfd_create("moss-fetched", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? err_sys(e, "cannot make a memory file") : fd;
}

int fetcher_seal(int fd, struct err *e)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return err_sys(e, "cannot seal what was fetched");
	(void)lseek(fd, 0, SEEK_SET);
	return 0;
}

/* By digest: the fetcher is not trusted to have looked. */
static int check_digest(const char *ref, const char *digest, struct err *e)
{
	const char *wanted = strchr(ref, '@');
	if (!digest_valid(digest))
		return err_set(e, EBADMSG, "the fetcher gave no valid answer");
	if (wanted && strcmp(wanted + 1, digest))
		return err_set(
			e, EBADMSG, "manifest verification failed for digest %s", wanted + 1);
	return 0;
}

int fetcher_manifest(struct fetcher *f, const char *ref, struct fetched_manifest *out,
	const char **kind, struct err *e)
{
	*out = (struct fetched_manifest){.fd = -1};
	*kind = "other";
	auto_fd fd = fetcher_memory_file(e);
	int r = fd < 0 ? fd : request_into(f, "manifest", ref, fd, e);
	if (r < 0)
		return r;
	auto_json reply = answer(f, kind, e);
	if (!reply)
		return -e->code;
	const char *digest = json_str(reply, "digest");
	int64_t size = json_int_or(reply, "size", -1);
	if (check_digest(ref, digest, e) < 0)
		return -e->code;
	if (size < 0 || size > MANIFEST_MAX)
		return err_set(e, EBADMSG, "the fetcher gave no valid answer");
	r = fetcher_seal(fd, e);
	if (r < 0)
		return r;
	out->media_type = xstrdup(json_str_or(reply, "media_type", ""));
	out->digest = xstrdup(digest);
	out->size = size;
	out->fd = take_fd(fd);
	return 0;
}

int fetcher_tags(struct fetcher *f, const char *ref, struct err *e)
{
	const char *kind;
	auto_fd fd = fetcher_memory_file(e);
	int r = fd < 0 ? fd : request_into(f, "tags", ref, fd, e);
	if (r < 0)
		return r;
	auto_json reply = answer(f, &kind, e);
	if (!reply)
		return -e->code;
	r = fetcher_seal(fd, e);
	return r < 0 ? r : take_fd(fd);
}

int fetcher_send(struct fetcher *f, const json_t *m, const int *fds, size_t n, struct err *e)
{
	return proto_send(f->sock, m, fds, n, e);
}

json_t *fetcher_ask(struct fetcher *f, const json_t *m, const int *fds, size_t n, const char **kind,
	struct err *e)
{
	*kind = "other";
	return fetcher_send(f, m, fds, n, e) < 0 ? NULL : answer(f, kind, e);
}

json_t *fetcher_message(struct fetcher *f, struct err *e)
{
	const char *kind;
	return receive(f, &kind, e);
}

int fetcher_search(
	struct fetcher *f, const char *query, int64_t limit, bool *from_catalog, struct err *e)
{
	const char *kind;
	auto_fd fd = fetcher_memory_file(e);
	auto_json m = json_object();
	json_set_str(m, "op", "search");
	json_set_str(m, "query", query);
	json_set_int(m, "limit", limit);
	int r = fd < 0 ? fd : proto_send(f->sock, m, &fd, 1, e);
	if (r < 0)
		return r;
	auto_json reply = answer(f, &kind, e);
	if (!reply)
		return -e->code;
	*from_catalog = json_bool_or(reply, "catalog", false);
	r = fetcher_seal(fd, e);
	return r < 0 ? r : take_fd(fd);
}

int fetcher_blob(struct fetcher *f, const struct fetch_blob *b, struct err *e)
{
	auto_json m = json_object();
	json_set_str(m, "op", "blob");
	json_set_str(m, "digest", b->digest);
	json_set_int(m, "size", b->size);
	json_set_int(m, "id", b->id);
	json_set_str(m, "boot", proc_boot_id());
	json_set_bool(m, "check", b->must_check);
	int fds[3] = {b->pipe, b->part, b->sums};
	return b->pipe < 0 ? proto_send(f->sock, m, &b->part, 1, e)
			   : proto_send(f->sock, m, fds, b->sums < 0 ? 2 : 3, e);
}

int fetcher_next(struct fetcher *f, struct fetcher_event *ev, const char **kind, struct err *e)
{
	*ev = (struct fetcher_event){.id = -1, .bytes = -1};
	auto_json m = receive(f, kind, e);
	if (!m)
		return -e->code;
	const json_t *progress = json_at(m, "progress");
	ev->id = json_int_or(progress ? progress : m, "id", -1);
	if (progress) {
		int64_t bytes = json_int_or(progress, "bytes", 0);
		ev->bytes = bytes < 0 ? 0 : bytes;
	}
	return proto_error(m, kind, e);
}

int fetcher_wait(struct fetcher *f, const char **kind, struct err *e)
{
	struct fetcher_event ev = {.bytes = 0};
	while (ev.bytes >= 0) {
		int r = fetcher_next(f, &ev, kind, e);
		if (r < 0)
			return r;
	}
	return 0;
}
