/* Answers to a search. The first byte says of what kind (odd: an index), the second how many
 * results are wanted. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "registry/search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What comes out can be shown: one line, without control characters, and no longer than promised.
 */
static void check(const char *text, size_t max)
{
	if (strlen(text) > max)
		abort();
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	if (size < 2)
		return 0;
	auto_json results = json_array();
	size_t limit = data[1], i;
	json_t *entry;
	int r = data[0] & 1
			? search_read_index((const char *)data + 2, size - 2, limit, results, &e)
			: search_read_catalog(
				  (const char *)data + 2, size - 2, "a", limit, results, &e);
	if (r < 0 && !e.code)
		abort();
	if (json_array_size(results) > limit)
		abort();
	json_array_foreach (results, i, entry) {
		check(json_str(entry, "name"), SEARCH_NAME_MAX);
		check(json_str(entry, "description"), SEARCH_DESCRIPTION_MAX);
	}
	return 0;
}
