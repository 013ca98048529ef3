/* no_proxy: which hosts are asked without the proxy of the environment, as Docker (Go) reads it.
 *
 * A list with commas, in which each entry is one of
 *   *                   all hosts
 *   example.com         the name and all below it; ".example.com" and "*.example.com": only those
 *   10.1.2.3, [::1]     an address
 *   10.0.0.0/8          all addresses of a network
 * and all but the first and the last may end with ":PORT": then only that port. Brackets without a
 * port are this program's own: Go takes an IPv6 address alone only without them.
 */
#ifndef REGISTRY_NO_PROXY_H
#define REGISTRY_NO_PROXY_H

#include <stdbool.h>

/* host: without brackets; port: digits. A list of NULL has nobody. */
bool no_proxy_has(const char *list, const char *host, const char *port);

#endif
