#include "cmd/confirm.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/client_config.h"

bool confirm_removal(const char *what)
{
	auto_free char *text = xasprintf("WARNING! This will remove %s.\n", what);
	return confirm_text(text);
}

bool confirm_text(const char *text)
{
	char answer[16] = "";
	printf("%sAre you sure you want to continue? [y/N] ", text);
	(void)fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcasecmp(answer, "y") == 0;
}

/* The same label asked for the other way round: of "label=x" that is "label!=x". Owned; NULL where
 * it is no label. */
static char *opposite(const char *filter)
{
	const char *value = str_after(filter, "label!=");
	if (value)
		return xasprintf("label=%s", value);
	value = str_after(filter, "label=");
	return value ? xasprintf("label!=%s", value) : NULL;
}

void prune_filters_configured(const struct globals *g, struct strv *filters)
{
	auto_json config = client_config_load(g);
	auto_strv given = STRV_INIT;
	json_to_strv(json_at(config, "pruneFilters"), &given);
	for (size_t i = 0; i < given.n; i++) {
		auto_free char *against = opposite(given.v[i]);
		if (strchr(given.v[i], '=') && !(against && strv_has(filters, against)))
			strv_add(filters, given.v[i]);
	}
}
