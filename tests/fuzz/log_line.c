/* What readers of logs parse: the files may be anybody's, after a crash or a restore. The first
 * byte chooses the format. */
#include "base/err.h"
#include "engine/log_file.h"
#include "engine/log_read.h"
#include "engine/log_record.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct log_format *f, const char *p, size_t n)
{
	auto_buf scratch = BUF_INIT;
	size_t at = 0;
	int64_t last = f->last(p, n);
	if (last >= (int64_t)n)
		BUG("the last record begins behind the end");
	for (int64_t k; at < n && (k = f->frame(p + at, n - at)) > 0; at += (size_t)k) {
		struct log_record r;
		int64_t time_ns;
		if (k > (int64_t)(n - at))
			BUG("a record is longer than the file");
		bool has_time = f->time(p + at, (size_t)k, &time_ns);
		if (!f->parse(p + at, (size_t)k, &scratch, &r))
			continue;
		if (r.text[r.len] != '\0')
			BUG("the text of a record is not ended");
		(void)(has_time && strlen(r.attrs));
	}
}

static void read_line(const char *p, size_t n)
{
	auto_buf scratch = BUF_INIT;
	struct log_record r;
	if (log_format_json.parse(p, n, &scratch, &r) && r.text[r.len] != '\0')
		BUG("the text of a record is not ended");
}

static void take(void *arg, const char *name, size_t name_len, const char *value, size_t n)
{
	auto_buf copy = BUF_INIT;
	(void)arg;
	buf_add(&copy, name, name_len);
	buf_add(&copy, value, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	uint64_t ino;
	switch (size ? data[0] : 0) {
	case 0:
		read_all(&log_format_local, p, size);
		break;
	case 0x1f:
		(void)log_gz_parse(p, size, &ino);
		break;
	case '_':
		if (log_export_entry(p, size, take, NULL) > (int64_t)size)
			BUG("an entry is longer than the stream");
		break;
	default:
		read_all(&log_format_json, p, size);
		read_line(p, size);
		break;
	}
	return 0;
}
