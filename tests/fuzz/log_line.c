/* A line of a container's log: files there may be anybody's, after a crash or a restore. */
#include "base/err.h"
#include "engine/log.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf scratch = BUF_INIT;
	struct log_record r;
	if (log_parse_line((const char *)data, size, &scratch, &r) && r.text[r.len] != '\0')
		BUG("the text of a record is not ended");
	return 0;
}
