/* The parsers of run and create against what Docker accepts and says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/scope.h"
#include "engine/hosts.h"
#include "engine/names.h"
#include "engine/parse_env.h"
#include "engine/limits.h"
#include "engine/parse_limit.h"
#include "engine/parse_mount.h"
#include "engine/parse_port.h"

static void one_port(const char *text, const char *ip, uint32_t start, uint32_t end,
	const char *shown, uint16_t container, const char *proto)
{
	auto_port_specs p = {0};
	struct err e = {0};
	assert_int_equal(port_parse_publish(text, &p, &e), 0);
	assert_int_equal(p.n, 1);
	assert_string_equal(p.v[0].host_ip, ip);
	assert_int_equal(p.v[0].host_start, start);
	assert_int_equal(p.v[0].host_end, end);
	assert_string_equal(p.v[0].host_text, shown);
	assert_int_equal(p.v[0].container, container);
	assert_string_equal(p.v[0].proto, proto);
}

static void publish_forms(void **state)
{
	(void)state;
	one_port("80", "", 0, 0, "", 80, "tcp");
	one_port("8080:80", "", 8080, 8080, "8080", 80, "tcp");
	one_port("8080:80/UDP", "", 8080, 8080, "8080", 80, "udp");
	one_port("80:80/", "", 80, 80, "80", 80, "tcp");
	one_port("127.0.0.1:8080:80", "127.0.0.1", 8080, 8080, "8080", 80, "tcp");
	one_port("127.0.0.1::80", "127.0.0.1", 0, 0, "", 80, "tcp");
	one_port("[::1]:8080:80", "::1", 8080, 8080, "8080", 80, "tcp");
	one_port("8000-8005:80", "", 8000, 8005, "8000-8005", 80, "tcp");
	one_port("target=80,published=8080,protocol=udp", "", 8080, 8080, "8080", 80, "udp");
	one_port("0:80", "", 0, 0, "0", 80, "tcp");
}

static void publish_range(void **state)
{
	(void)state;
	auto_port_specs p = {0};
	struct err e = {0};
	assert_int_equal(port_parse_publish("127.0.0.1:9000-9002:90-92/udp", &p, &e), 0);
	assert_int_equal(p.n, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(p.v[i].container, 90 + i);
		assert_int_equal(p.v[i].host_start, 9000 + i);
		assert_int_equal(p.v[i].host_end, 9000 + i);
		assert_string_equal(p.v[i].proto, "udp");
	}
}

static void bad_port(const char *text, const char *message)
{
	auto_port_specs p = {0};
	struct err e = {0};
	assert_true(port_parse_publish(text, &p, &e) < 0);
	assert_string_equal(e.msg, message);
	assert_int_equal(e.status, 125);
}

static void publish_errors(void **state)
{
	(void)state;
	bad_port("", "No port specified: <empty>");
	bad_port("abc", "Invalid containerPort: abc");
	bad_port("80:abc", "Invalid containerPort: abc");
	bad_port("abc:80", "Invalid hostPort: abc");
	bad_port("99999", "Invalid containerPort: 99999");
	bad_port("-1", "Invalid containerPort: -1");
	bad_port("81-80", "Invalid containerPort: 81-80");
	bad_port("80/foo", "Invalid proto: foo");
	bad_port("80-82:90-91",
		"Invalid ranges specified for container and host Ports: 90-91 and 80-82");
	bad_port("256.1.1.1:80:80", "Invalid ip address: 256.1.1.1");
	bad_port("localhost:80:80", "Invalid ip address: localhost");
	bad_port("1:2:3:4", "Invalid ip address 1:2: address 1:2:: too many colons in address");
	bad_port("[::1:80:80", "Invalid ip address [::1: address [::1:: missing ']' in address");
}

static void expose(void **state)
{
	(void)state;
	auto_port_specs p = {0};
	struct err e = {0};
	assert_int_equal(port_parse_expose("80-82/udp", &p, &e), 0);
	assert_int_equal(p.n, 3);
	assert_int_equal(p.v[2].container, 82);
	assert_true(port_parse_expose("80:90", &p, &e) < 0);
	assert_string_equal(e.msg, "invalid port format for --expose: 80:90");
}

static void volume_forms(void **state)
{
	(void)state;
	static const struct {
		const char *text, *source, *target, *mode;
		enum mount_type type;
		bool read_only, nocopy;
	} cases[] = {
		{"/data", NULL, "/data", "", MOUNT_VOLUME, false, false},
		{"/data:ro", NULL, "/data", "ro", MOUNT_VOLUME, true, false},
		{"name:/data/", "name", "/data", "", MOUNT_VOLUME, false, false},
		{"name:/data:nocopy,ro", "name", "/data", "nocopy,ro", MOUNT_VOLUME, true, true},
		{"/a//b/../c:/x:ro,Z", "/a/c", "/x", "ro,Z", MOUNT_BIND, true, false},
		{"/a:/b:rshared", "/a", "/b", "rshared", MOUNT_BIND, false, false},
		{"/a:/b:delegated", "/a", "/b", "delegated", MOUNT_BIND, false, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mount_spec m = {0};
		struct err e = {0};
		assert_int_equal(mount_parse_volume(cases[i].text, &m, &e), 0);
		assert_int_equal(m.type, cases[i].type);
		assert_string_equal(m.target, cases[i].target);
		assert_string_equal(m.mode, cases[i].mode);
		assert_int_equal(m.read_only, cases[i].read_only);
		assert_int_equal(m.nocopy, cases[i].nocopy);
		if (cases[i].source)
			assert_string_equal(m.source, cases[i].source);
		else
			assert_null(m.source);
		mount_spec_deinit(&m);
	}
}

static void volume_relative(void **state)
{
	(void)state;
	struct mount_spec m = {0};
	struct err e = {0};
	auto_free char *cwd = getcwd(NULL, 0);
	auto_free char *want = xasprintf("%s/x", cwd);
	assert_int_equal(mount_parse_volume("./x:/b", &m, &e), 0);
	assert_int_equal(m.type, MOUNT_BIND);
	assert_string_equal(m.source, want);
	mount_spec_deinit(&m);
}

static void bad_volume(const char *text, const char *message)
{
	struct mount_spec m = {0};
	struct err e = {0};
	assert_true(mount_parse_volume(text, &m, &e) < 0);
	assert_string_equal(e.msg, message);
	mount_spec_deinit(&m);
}

static void volume_errors(void **state)
{
	(void)state;
	bad_volume("", "invalid empty volume spec");
	bad_volume(":/b", "invalid spec: :/b: empty section between colons");
	bad_volume("/a:", "invalid spec: /a:: empty section between colons");
	bad_volume("/a:/b:foo", "invalid mode: foo");
	bad_volume("/a:/b:ro,rw", "invalid mode: ro,rw");
	bad_volume("/a:/b:z,Z", "invalid mode: z,Z");
	bad_volume("a:/b:/c:d", "invalid volume specification: 'a:/b:/c:d'");
	bad_volume("/a:b",
		"invalid volume specification: '/a:b': invalid mount config for type \"bind\": "
		"invalid mount path: 'b' mount path must be absolute");
	bad_volume("vol:/",
		"invalid volume specification: 'vol:/': invalid mount config for type \"volume\": "
		"invalid specification: destination can't be '/'");
	bad_volume("/a:/b:nocopy",
		"invalid volume specification: '/a:/b:nocopy': invalid mount config for type "
		"\"bind\": field VolumeOptions must not be specified");
	bad_volume("a:/b:rshared",
		"invalid volume specification: 'a:/b:rshared': invalid mount config for type "
		"\"volume\": field BindOptions must not be specified");
}

static void mount_flags(void **state)
{
	(void)state;
	struct mount_spec m = {0};
	struct err e = {0};
	assert_int_equal(mount_parse_flag("type=bind,src=/a,dst=/b/,readonly,"
					  "bind-propagation=rslave,bind-recursive=disabled",
				 &m, &e),
		0);
	assert_int_equal(m.type, MOUNT_BIND);
	assert_string_equal(m.source, "/a");
	assert_string_equal(m.target, "/b");
	assert_string_equal(m.propagation, "rslave");
	assert_true(m.read_only && m.non_recursive && !m.make_source);
	mount_spec_deinit(&m);
	assert_int_equal(
		mount_parse_flag("\"dst=/a,b\",src=v,volume-nocopy,volume-label=k=v", &m, &e), 0);
	assert_int_equal(m.type, MOUNT_VOLUME);
	assert_string_equal(m.target, "/a,b");
	assert_string_equal(m.labels.v[0], "k=v");
	assert_true(m.nocopy);
	mount_spec_deinit(&m);
	assert_int_equal(
		mount_parse_flag("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770", &m, &e), 0);
	assert_int_equal(m.tmpfs_size, 1 << 20);
	assert_int_equal(m.tmpfs_mode, 01770);
	mount_spec_deinit(&m);
}

static void bad_mount(const char *text, const char *message, int status)
{
	struct mount_spec m = {0};
	struct err e = {0};
	assert_true(mount_parse_flag(text, &m, &e) < 0);
	assert_non_null(strstr(e.msg, message));
	assert_int_equal(e.status, status);
	mount_spec_deinit(&m);
}

static void mount_errors(void **state)
{
	(void)state;
	static const char *const bad_from[] = {"", ":ro", "c:foo", "c:ro,rw", "c:ro:rw", "c:z,Z"};
	for (size_t i = 0; i < ARRAY_LEN(bad_from); i++) {
		struct err from_error = {0};
		char *container = NULL;
		bool read_only;
		assert_true(mount_parse_from(bad_from[i], &container, &read_only, &from_error) < 0);
		assert_null(container);
	}
	bad_mount("type=bind",
		"invalid argument \"type=bind\" for \"--mount\" flag: target is "
		"required",
		125);
	bad_mount("type=bind,src=/a,dst=/b,foo=1", "unexpected key 'foo' in 'foo=1'", 125);
	bad_mount("dst=/b,foo", "invalid field 'foo' must be a key=value pair", 125);
	bad_mount("dst=/b,ro=maybe", "invalid value for ro: maybe", 125);
	bad_mount("type=tmpfs,dst=/a,tmpfs-size=x", "invalid value for tmpfs-size: x", 125);
	bad_mount("type=tmpfs,dst=/a,tmpfs-mode=999", "invalid value for tmpfs-mode: 999", 125);
	bad_mount("type=tmpfs,dst=/a,volume-nocopy",
		"cannot mix 'volume-*' options with mount type 'tmpfs'", 125);
	bad_mount("type=bind,src=/a,dst=/b,bind-recursive=readonly",
		"option 'bind-recursive=readonly' requires 'readonly'", 125);
	bad_mount(
		"type=foo,dst=/a", "invalid mount config for type \"foo\": mount type unknown", 0);
	bad_mount("type=bind,src=rel,dst=/a",
		"invalid mount path: 'rel' mount path must be absolute", 0);
	bad_mount("type=tmpfs,src=/a,dst=/a", "field Source must not be specified", 0);
	bad_mount(
		"type=bind,src=/a,dst=/b,bind-propagation=foo", "invalid propagation mode: foo", 0);
	bad_mount("\"dst=/a", "parse error", 125);
	bad_mount("dst=/a\"b", "bare \" in non-quoted-field", 125);
	bad_mount("type=image,dst=/a", "field Source must not be empty", 0);
	bad_mount("type=cluster,src=x,dst=/a", "mount type unknown", 0);
	bad_mount("type=volume,src=x,dst=/a,volume-subpath=a/../../b",
		"subpath must be a relative path within the volume", 0);
	bad_mount("type=bind,src=/x,dst=/a,subpath=b",
		"cannot mix 'subpath' options with mount type 'bind'", 125);
}

static void env_lines(void **state)
{
	(void)state;
	static const char text[] = "\xef\xbb\xbf# comment\n\n  A=1\nB='q' \r\nEMPTY=\nFROM_HOST\n"
				   "NOT_SET_ANYWHERE\nLAST=x=y";
	auto_strv v = STRV_INIT;
	struct err e = {0};
	setenv("FROM_HOST", "h", 1);
	unsetenv("NOT_SET_ANYWHERE");
	assert_int_equal(env_parse_lines(text, sizeof(text) - 1, true, &v, &e), 0);
	assert_int_equal(v.n, 5);
	assert_string_equal(v.v[0], "A=1");
	assert_string_equal(v.v[1], "B='q' ");
	assert_string_equal(v.v[2], "EMPTY=");
	assert_string_equal(v.v[3], "FROM_HOST=h");
	assert_string_equal(v.v[4], "LAST=x=y");
	assert_true(env_parse_lines("B C=2", 5, true, &v, &e) < 0);
	assert_string_equal(
		e.msg, "poorly formatted environment: variable 'B C' contains whitespaces");
	assert_true(env_parse_lines("=1", 2, true, &v, &e) < 0);
	assert_string_equal(e.msg, "poorly formatted environment: no variable name on line '=1'");
}

static void env_merging(void **state)
{
	(void)state;
	auto_strv v = STRV_INIT;
	env_apply(&v, "A=1");
	env_apply(&v, "B=2");
	env_apply(&v, "A=3");
	env_apply(&v, "AB=4");
	assert_int_equal(v.n, 3);
	assert_string_equal(v.v[0], "A=3");
	assert_string_equal(env_get(&v, "AB"), "4");
	env_apply(&v, "A");
	assert_int_equal(v.n, 2);
	assert_null(env_get(&v, "A"));
	env_apply(&v, "NONE");
	assert_int_equal(v.n, 2);
}

static void ulimits(void **state)
{
	(void)state;
	struct ulimit u;
	struct err e = {0};
	assert_int_equal(ulimit_parse("nofile=10:20", &u, &e), 0);
	assert_true(u.soft == 10 && u.hard == 20);
	assert_int_equal(ulimit_parse("core=0", &u, &e), 0);
	assert_true(u.soft == 0 && u.hard == 0);
	assert_int_equal(ulimit_parse("memlock=-1", &u, &e), 0);
	assert_true(u.soft == -1 && u.hard == -1);
	static const char *const bad[] = {"foo", "foo=1", "nofile=2:1", "nofile=a", "nofile=1:2:3",
		"nofile=", "nofile=-1:5", "nofile=-2", "nofile=99999999999999999999"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(ulimit_parse(bad[i], &u, &e) < 0);
}

static void devices(void **state)
{
	(void)state;
	struct device_spec d = {0};
	struct err e = {0};
	assert_int_equal(device_parse("/dev/a:/dev/b:rw", &d, &e), 0);
	assert_string_equal(d.host, "/dev/a");
	assert_string_equal(d.container, "/dev/b");
	assert_string_equal(d.permissions, "rw");
	device_spec_deinit(&d);
	assert_int_equal(device_parse("/dev/a:r", &d, &e), 0);
	assert_string_equal(d.container, "/dev/a");
	assert_string_equal(d.permissions, "r");
	device_spec_deinit(&d);
	assert_true(device_parse("/dev/a:x", &d, &e) < 0);
	assert_string_equal(e.msg, "x is not an absolute path");
	assert_true(device_parse("/dev/a:/x:q", &d, &e) < 0);
	assert_string_equal(e.msg, "bad mode specified: q");
	assert_true(device_parse("/dev/a:/x:rr", &d, &e) < 0);
	assert_true(device_parse("/dev/a:/x:r:z", &d, &e) < 0);
	assert_string_equal(e.msg, "bad format for path: /dev/a:/x:r:z");
}

static void sizes(void **state)
{
	(void)state;
	int64_t n;
	assert_true(size_parse("64m", &n) && n == 64 << 20);
	assert_true(size_parse("1.5k", &n) && n == 1536);
	assert_true(size_parse("10KiB", &n) && n == 10240);
	assert_true(size_parse("7", &n) && n == 7);
	assert_false(size_parse("", &n));
	assert_false(size_parse("x", &n));
	assert_false(size_parse("-1", &n));
	assert_false(size_parse("1mm", &n));
	assert_false(size_parse("99999999999t", &n));
}

static void sysctls(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(sysctl_check("net.ipv4.ip_forward=1", &e), 0);
	assert_int_equal(sysctl_check("kernel.shmmax=1", &e), 0);
	assert_int_equal(sysctl_check("fs.mqueue.msg_max=1", &e), 0);
	static const char *const bad[] = {"foo=1", "kernel.hostname=x", "kernel.shm=1", "kernel.=1",
		"net.ipv4.ip_forward", "net../../../x=1", "net.a/b=1", "vm.swappiness=1"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(sysctl_check(bad[i], &e) < 0);
}

static void capabilities(void **state)
{
	(void)state;
	auto_strv add = STRV_INIT, drop = STRV_INIT, none = STRV_INIT, out = STRV_INIT;
	struct err e = {0};
	assert_int_equal(capabilities_resolve(&none, &none, false, &out, &e), 0);
	assert_int_equal(out.n, 14);
	strv_free(&out);
	strv_add(&add, "net_admin");
	strv_add(&drop, "ALL");
	assert_int_equal(capabilities_resolve(&add, &drop, false, &out, &e), 0);
	assert_int_equal(out.n, 1);
	assert_string_equal(out.v[0], "CAP_NET_ADMIN");
	strv_free(&out);
	strv_free(&add);
	strv_free(&drop);
	strv_add(&add, "all");
	strv_add(&drop, "CAP_SYS_ADMIN");
	assert_int_equal(capabilities_resolve(&add, &drop, false, &out, &e), 0);
	assert_int_equal(out.n, 40);
	assert_false(strv_has(&out, "CAP_SYS_ADMIN"));
	strv_free(&add);
	strv_add(&add, "foo");
	assert_true(capabilities_resolve(&add, &none, false, &out, &e) < 0);
	assert_string_equal(e.msg, "invalid CapAdd: unknown capability: \"CAP_FOO\"");
}

static void users(void **state)
{
	(void)state;
	struct err e = {0};
	static const char *const good[] = {
		"root", "0", "1000:1000", "www-data:www", "2147483647", "a.b_c"};
	static const char *const bad[] = {
		"-1", "2147483648", "4294967295", "4294967296", "u:-1", "0:4294967296"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(user_check(good[i], &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(user_check(bad[i], &e) < 0);
}

static void add_hosts(void **state)
{
	(void)state;
	static const char *const good[] = {
		"a:1.2.3.4", "a:::1", "a:[::1]", "a=1.2.3.4", "a:host-gateway"};
	static const char *const bad[] = {"a", "a:b", ":1.2.3.4", "a:", "a b:1.2.3.4"};
	struct err e = {0};
	for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
		bool is_good = i < ARRAY_LEN(good);
		auto_free char *name = NULL;
		const char *ip;
		int r = add_host_parse(
			is_good ? good[i] : bad[i - ARRAY_LEN(good)], &name, &ip, &e);
		assert_int_equal(r == 0, is_good);
	}
}

static void restart_policies(void **state)
{
	(void)state;
	struct restart_policy p;
	struct err e = {0};
	assert_int_equal(restart_parse("on-failure:3", &p, &e), 0);
	assert_int_equal(p.max_retries, 3);
	static const char *const bad[] = {
		"foo", "on-failure:-1", "on-failure:a", "always:3", "on-failure:3:4", ":3"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(restart_parse(bad[i], &p, &e) < 0);
}

static void security_options(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good, nnp;
	} cases[] = {
		{"no-new-privileges", true, true},
		{"no-new-privileges:true", true, true},
		{"no-new-privileges=false", true, false},
		{"no-new-privileges=foo", false, false},
		{"seccomp=unconfined", true, false},
		{"label=disable", true, false},
		{"label:type:x", true, false},
		{"apparmor=foo", true, false},
		{"systempaths=unconfined", true, false},
		{"systempaths=foo", false, false},
		{"foo", false, false},
		{"foo=bar", false, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct security_options s = {0};
		auto_strv v = STRV_INIT;
		struct err e = {0};
		strv_add(&v, cases[i].text);
		assert_int_equal(security_parse(&v, &s, &e) == 0, cases[i].good);
		assert_int_equal(s.no_new_privileges, cases[i].nnp);
		security_options_deinit(&s);
	}
}

static void hosts_file(void **state)
{
	(void)state;
	auto_strv extra = STRV_INIT;
	strv_add(&extra, "a:host-gateway");
	strv_add(&extra, "b:::1");
	struct hosts_options o = {.ip = "10.0.2.100",
		.hostname = "web",
		.domainname = "lan",
		.gateway_ip = "10.0.2.2",
		.add_host = &extra};
	auto_free char *text = hosts_text(&o);
	assert_string_equal(text, "127.0.0.1\tlocalhost\n"
				  "::1\tlocalhost ip6-localhost ip6-loopback\n"
				  "fe00::0\tip6-localnet\n"
				  "ff00::0\tip6-mcastprefix\n"
				  "ff02::1\tip6-allnodes\n"
				  "ff02::2\tip6-allrouters\n"
				  "10.0.2.2\ta\n"
				  "::1\tb\n"
				  "10.0.2.100\tweb.lan web\n");
}

static void resolv_file(void **state)
{
	(void)state;
	auto_strv none = STRV_INIT, dns = STRV_INIT, search = STRV_INIT, dot = STRV_INIT;
	strv_add(&dns, "1.1.1.1");
	strv_add(&search, "a");
	strv_add(&search, "b");
	strv_add(&dot, ".");
	struct resolv_options o = {.host_text =
					   "# c\nnameserver 127.0.0.53\nnameserver 127.0.0.54\n"
					   "nameserver 9.9.9.9 # x\nsearch home\n"
					   "options edns0 trust-ad\n",
		.stub = "10.0.2.3",
		.dns = &none,
		.search = &none,
		.options = &none};
	auto_free char *text = resolv_text(&o);
	assert_string_equal(text, "nameserver 10.0.2.3\nnameserver 9.9.9.9\nsearch home\n"
				  "options edns0 trust-ad\n");
	o.dns = &dns;
	o.search = &search;
	auto_free char *own = resolv_text(&o);
	assert_string_equal(own, "nameserver 1.1.1.1\nsearch a b\noptions edns0 trust-ad\n");
	o.search = &dot;
	o.host_text = NULL;
	auto_free char *bare = resolv_text(&o);
	assert_string_equal(bare, "nameserver 1.1.1.1\n");
}

static void names(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		auto_free char *name = name_generate(i & 1);
		assert_true(container_name_valid(name));
		assert_non_null(strchr(name, '_'));
	}
	assert_false(container_name_valid("x"));
	assert_false(container_name_valid("-ab"));
	assert_false(container_name_valid("a/b"));
	assert_false(container_name_valid(""));
}

/* Flags -> HostConfig -> spec -> what the cgroup gets: nothing is lost or changed on the way. */
static void limits_on_their_way(void **state)
{
	const struct strv none = STRV_INIT;
	const struct limit_flags f = {.cpus = "1.5",
		.cpuset_cpus = "0-1",
		.cpu_shares = 512,
		.memory = 64 << 20,
		.memory_swap = -1,
		.memory_swappiness = -1,
		.pids_limit = 10,
		.io = {[IO_READ_BPS] = &none}};
	struct limits l, again;
	struct cgroup_limits c;
	struct err e = {0};
	json_t *host = json_object(), *resources = NULL;
	(void)state;
	assert_int_equal(limits_parse(&f, &l, &e), 0);
	limits_to_host_config(&l, host);
	limits_from_host_config(host, &again);
	assert_int_equal(limits_to_spec(&again, &resources, &e), 0);
	assert_int_equal(cgroup_limits_load(resources, &c, &e), 0);
	assert_int_equal(c.memory, 64 << 20);
	assert_int_equal(c.memory_swap, -1);
	assert_int_equal(c.cpu_quota, 150000);
	assert_int_equal(c.cpu_period, 100000);
	assert_int_equal(c.cpu_shares, 512);
	assert_int_equal(c.pids, 10);
	assert_string_equal(c.cpuset_cpus, "0-1");
	assert_int_equal(
		cgroup_limits_need(&c), CGROUP_MEMORY | CGROUP_CPU | CGROUP_CPUSET | CGROUP_PIDS);
	cgroup_limits_deinit(&c);
	limits_deinit(&l);
	limits_deinit(&again);
	json_decref(host);
	json_decref(resources);
}

static void cpus_and_devices(void **state)
{
	struct err e = {0};
	int64_t n = 0;
	uint64_t value = 0;
	char *path = NULL;
	(void)state;
	assert_int_equal(cpus_parse("0.01", &n, &e), 0);
	assert_int_equal(n, 10000000);
	assert_int_equal(cpus_parse("-1", &n, &e), 0);
	assert_int_equal(n, -1000000000);
	assert_true(cpus_parse("1.2.3", &n, &e) < 0);
	assert_true(cpus_parse("0.0000000001", &n, &e) < 0);
	assert_int_equal(io_limit_parse("/dev/sda:1mb", IO_READ_BPS, &path, &value, &e), 0);
	assert_string_equal(path, "/dev/sda");
	assert_int_equal(value, 1 << 20);
	free(path);
	assert_true(io_limit_parse("/dev/sda:1mb", IO_READ_IOPS, &path, &value, &e) < 0);
	assert_true(io_limit_parse("/dev/sda:5", IO_WEIGHT, &path, &value, &e) < 0);
	assert_true(io_limit_parse("sda:50", IO_WEIGHT, &path, &value, &e) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publish_forms),
		cmocka_unit_test(publish_range),
		cmocka_unit_test(publish_errors),
		cmocka_unit_test(expose),
		cmocka_unit_test(volume_forms),
		cmocka_unit_test(volume_relative),
		cmocka_unit_test(volume_errors),
		cmocka_unit_test(mount_flags),
		cmocka_unit_test(mount_errors),
		cmocka_unit_test(env_lines),
		cmocka_unit_test(env_merging),
		cmocka_unit_test(ulimits),
		cmocka_unit_test(devices),
		cmocka_unit_test(sizes),
		cmocka_unit_test(sysctls),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(users),
		cmocka_unit_test(add_hosts),
		cmocka_unit_test(limits_on_their_way),
		cmocka_unit_test(cpus_and_devices),
		cmocka_unit_test(restart_policies),
		cmocka_unit_test(security_options),
		cmocka_unit_test(hosts_file),
		cmocka_unit_test(resolv_file),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
