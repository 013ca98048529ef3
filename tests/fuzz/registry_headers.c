/* What a registry says in the header of an answer, a line each: Link, Location, Retry-After, rate
 * limits, Content-Range and the rest. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/scope.h"
#include "registry/failure.h"
#include "registry/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	auto_strv lines = STRV_INIT;
	struct http_exchange x;
	http_exchange_init(&x);
	x.url = "https://registry.example/v2/a/tags/list";
	x.reply.status = 429;
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++)
		http_reply_line(&x.reply, lines.v[i]);
	auto_free char *next = http_next_page(x.url, x.reply.link);
	if (next && !http_same_origin(x.url, next))
		abort();
	auto_free char *place = x.reply.location ? http_resolve(x.url, x.reply.location) : NULL;
	if (place && !str_starts(place, "https://") && !str_starts(place, "http://"))
		abort();
	if (x.reply.retry_after_s < -1)
		abort();
	struct err e = {0};
	const char *kind;
	(void)failure_answer(&x, NULL, &kind, &e);
	if (!e.code || !e.hint[0])
		abort();
	http_exchange_deinit(NULL, &x);
	return 0;
}
