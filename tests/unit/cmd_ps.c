#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/ps.h"

static void test_scan(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: not as expected */
	} cases[] = {
		{"{}", "{}"},
		{"{\"Path\":\"/bin/sh\",\"Args\":[\"-c\",\"}\\\"],{\"],\"X\":{\"Path\":\"no\"}}",
			"{\"Path\":\"/bin/sh\",\"Args\":[\"-c\",\"}\\\"],{\"]}"},
		{"{\"Config\":{\"Env\":[\"A=,\"],\"Labels\":{\"a\":\"\\\\\"},\"Tty\":false},\"N\":"
		 "5,"
		 "\"HostConfig\":{\"NetworkMode\":\"none\",\"Memory\":0}}",
			"{\"Config\":{\"Labels\":{\"a\":\"\\\\\"}},\"HostConfig\":{\"NetworkMode\":"
			"\"none\"}}"},
		{"{ \"Mounts\" : [ {\"a\": 1} ] ,\n\"Path\" : \"x\" }",
			"{\"Mounts\":[{\"a\":1}],\"Path\":\"x\"}"},
		{"{\"Config\":{},\"HostConfig\":{}}", "{\"Config\":{},\"HostConfig\":{}}"},
		{"", NULL},
		{"[]", NULL},
		{"{\"Path\":\"x", NULL},
		{"{\"Path\":\"x\"", NULL},
		{"{\"Path\"}", NULL},
		{"{\"Config\":{\"Labels\":}", NULL},
		{"{\"Config\":5}", NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_json j = ps_scan(cases[i].in);
		auto_free char *text = j ? json_text(j) : NULL;
		if (cases[i].out)
			assert_string_equal(text ? text : "nothing", cases[i].out);
		else if (text)
			fail_msg("%s gave %s", cases[i].in, text);
	}
}

static void test_ports(void **state)
{
	static const struct {
		const char *ports; /* ip private public type, ... */
		const char *text;
	} cases[] = {
		{"[]", ""},
		{"[[\"\",80,0,\"tcp\"]]", "80/tcp"},
		{"[[\"0.0.0.0\",80,8080,\"tcp\"],[\"::\",80,8080,\"tcp\"]]",
			"0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"},
		{"[[\"\",82,0,\"tcp\"],[\"\",80,0,\"tcp\"],[\"\",81,0,\"tcp\"],[\"\",90,0,\"tcp\"]"
		 "]",
			"80-82/tcp, 90/tcp"},
		{"[[\"1.2.3.4\",80,80,\"tcp\"],[\"1.2.3.4\",81,81,\"tcp\"],[\"1.2.3.4\",82,82,"
		 "\"udp\"]]",
			"1.2.3.4:80-81->80-81/tcp, 1.2.3.4:82->82/udp"},
		{"[[\"1.2.3.4\",80,81,\"tcp\"],[\"1.2.3.4\",81,82,\"tcp\"],[\"\",9,0,\"sctp\"]]",
			"9/sctp, 1.2.3.4:81->80/tcp, 1.2.3.4:82->81/tcp"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		auto_json in = json_parse(cases[i].ports, strlen(cases[i].ports), "ports", &e);
		auto_json ports = json_array();
		size_t k;
		json_t *p;
		assert_non_null(in);
		json_array_foreach (in, k, p)
			json_array_append_new(
				ports, json_pack("{s:O, s:O, s:O, s:O}", "ip", json_array_get(p, 0),
					       "private", json_array_get(p, 1), "public",
					       json_array_get(p, 2), "type", json_array_get(p, 3)));
		auto_free char *text = ps_ports_text(ports);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_status(void **state)
{
	const int64_t now = 1000 * NS_PER_S;
	static const struct {
		const char *state;
		int64_t started, finished;
		int code;
		const char *text;
	} cases[] = {
		{"created", 0, 0, 0, "Created"},
		{"created", 900, 900, 127, "Created"},
		{"running", 820, 0, 0, "Up 3 minutes"},
		{"paused", 995, 0, 0, "Up 5 seconds (Paused)"},
		{"restarting", 900, 995, 1, "Restarting (1) 5 seconds ago"},
		{"exited", 1, 940, 137, "Exited (137) About a minute ago"},
		{"removing", 1, 940, 0, "Removal In Progress"},
		{"dead", 1, 940, 0, "Dead"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct container_row row = {.state = (char *)cases[i].state,
			.started_ns = cases[i].started * NS_PER_S,
			.finished_ns = cases[i].finished * NS_PER_S,
			.exit_code = cases[i].code};
		auto_free char *text = ps_status(&row, now);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
