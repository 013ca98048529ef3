/* Location and Range of an upload's answers, a line each. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "registry/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	auto_strv lines = STRV_INIT;
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		int64_t end = http_parse_upload_range(lines.v[i]);
		auto_free char *url = http_resolve("https://r.io/v2/x/blobs/uploads/", lines.v[i]);
		if (end < -1)
			abort();
		if (url && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
			abort();
		if (url)
			(void)http_same_origin(url, "https://r.io/");
	}
	return 0;
}
