#include "registry/no_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"

enum { ADDRESS = 16 };

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

/* As 16 bytes, an IPv4 address mapped into IPv6. */
static bool parse_address(const char *text, unsigned char out[ADDRESS])
{
	if (inet_pton(AF_INET6, text, out) == 1)
		return true;
	memcpy(out, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, out + sizeof(mapped)) == 1;
}

static bool is_v4(const unsigned char *address) { return !memcmp(address, mapped, sizeof(mapped)); }

static bool bits_equal(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	if (memcmp(a, b, bits / 8) != 0)
		return false;
	unsigned rest = bits % 8;
	return !rest || !((a[bits / 8] ^ b[bits / 8]) >> (8 - rest));
}

/* "10.0.0.0/8": 1 or 0 whether the address is in it, -1 where the entry is no network. */
static int network_has(const char *entry, const unsigned char *address)
{
	unsigned char network[ADDRESS];
	uint32_t bits;
	const char *slash = strchr(entry, '/');
	auto_free char *text = slash ? xstrndup(entry, (size_t)(slash - entry)) : NULL;
	if (!slash || !parse_address(text, network) || !parse_u32(slash + 1, &bits))
		return -1;
	bool has_colon = strchr(text, ':') != NULL;
	if (bits > (has_colon ? 128 : 32))
		return -1;
	if (!has_colon)
		bits += 96;
	/* "::/0" has no IPv4 address, although all of them are mapped below it. */
	bool is_of_v4 = bits >= 96 && is_v4(network);
	return address && is_v4(address) == is_of_v4 && bits_equal(address, network, bits);
}

/* Cuts ":PORT" off; what is left is the host, without brackets. NULL: there is no host. */
static char *split_port(char *entry, const char **port)
{
	*port = "";
	char *colon = strrchr(entry, ':'), *end = strchr(entry, ']');
	if (*entry == '[' && end) {
		if (end[1] && end[1] != ':')
			return NULL;
		if (end[1])
			*port = end + 2;
		*end = '\0';
		return entry + 1;
	}
	/* More than one colon: an IPv6 address without brackets. */
	if (colon && strchr(entry, ':') == colon) {
		*colon = '\0';
		*port = colon + 1;
	}
	return *entry ? entry : NULL;
}

static bool domain_has(const char *domain, const char *host)
{
	bool is_below_only = *domain == '.';
	size_t n = strlen(domain), len = strlen(host);
	if (len <= n)
		return !is_below_only && !strcmp(host, domain);
	const char *end = host + len - n;
	return !strcmp(end, domain) && (is_below_only || end[-1] == '.');
}

static bool entry_has(char *entry, const char *host, const unsigned char *address, const char *port)
{
	const char *wanted_port;
	unsigned char wanted[ADDRESS];
	int in_network = network_has(entry, address);
	if (in_network >= 0)
		return in_network;
	char *name = split_port(entry, &wanted_port);
	if (!name || (*wanted_port && strcmp(wanted_port, port) != 0))
		return false;
	if (parse_address(name, wanted))
		return address && !memcmp(address, wanted, ADDRESS);
	if (str_starts(name, "*."))
		name++;
	return *name && domain_has(name, host);
}

/* Without the blanks around it; one within is part of it, and no host has one. */
static char *trim(char *entry)
{
	static const char blanks[] = " \t\r\n\v\f";
	entry += strspn(entry, blanks);
	size_t n = strlen(entry);
	while (n && strchr(blanks, entry[n - 1]))
		n--;
	entry[n] = '\0';
	return entry;
}

bool no_proxy_has(const char *list, const char *host, const char *port)
{
	unsigned char address[ADDRESS];
	auto_strv entries = STRV_INIT;
	auto_free char *lower = xstrdup(host);
	bool is_address = parse_address(host, address);
	str_lower(lower);
	strv_split(&entries, list ? list : "", ',');
	for (size_t i = 0; i < entries.n; i++) {
		char *entry = trim(entries.v[i]);
		str_lower(entry);
		if (!strcmp(entry, "*") ||
			entry_has(entry, lower, is_address ? address : NULL, port))
			return true;
	}
	return false;
}
