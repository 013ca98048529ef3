#include "cmd/image_row.h"

#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/format/human.h"
#include "registry/reference.h"
#include "storage/image.h"

enum { SHORT_ID = 12 };

/* As Go's time.Time prints: "2026-11-21 01:59:10 +0000 UTC". Owned. */
static char *created_at(int64_t ns)
{
	if (ns == IMAGE_CREATED_NEVER)
		return xstrdup("0001-01-01 00:00:00 +0000 UTC");
	time_t t = ns / NS_PER_S;
	struct tm tm;
	char text[64];
	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
	return xstrdup(text);
}

json_t *image_row(
	const struct image *i, const char *repo, const char *tag, const char *digest, bool no_trunc)
{
	json_t *row = json_object();
	const char *hex = str_after(i->id, "sha256:");
	auto_free char *short_id = xstrndup(hex ? hex : i->id, SHORT_ID);
	auto_free char *at = created_at(i->created_ns), *size = human_size(i->size);
	auto_free char *size4 = human_size4(i->size);
	bool is_told = i->created_ns != IMAGE_CREATED_NEVER;
	auto_free char *age = human_duration(is_told ? clock_now_ns() - i->created_ns : 0);
	auto_free char *since = is_told ? xasprintf("%s ago", age) : xstrdup("");
	json_set_str(row, "Containers", "N/A");
	json_set_str(row, "CreatedAt", at);
	json_set_str(row, "CreatedSince", since);
	json_set_str(row, "Digest", digest);
	json_set_str(row, "ID", no_trunc ? i->id : short_id);
	json_set_str(row, "Repository", repo);
	json_set_str(row, "SharedSize", "N/A");
	json_set_str(row, "Size", size);
	json_set_str(row, "Tag", tag);
	json_set_str(row, "UniqueSize", "N/A");
	json_set_str(row, "VirtualSize", size4);
	return row;
}

void image_name_split(const char *full, char **repo, char **tag)
{
	struct err ignored = {0};
	auto_reference ref = {0};
	*tag = NULL;
	if (reference_parse(full, false, &ref, &ignored) < 0) {
		*repo = xstrdup(full);
		return;
	}
	*tag = take_ptr(ref.tag);
	*repo = reference_familiar_name(&ref);
}
