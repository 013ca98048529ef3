#include "cmd/volume_row.h"

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "cmd/volume_select.h"
#include "storage/volume.h"

static char *labels_shown(const json_t *labels)
{
	auto_buf text = BUF_INIT;
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)labels, key, value)
		buf_printf(&text, "%s%s=%s", text.len ? "," : "", key,
			json_string_value(value) ? json_string_value(value) : "");
	return buf_take(&text);
}

json_t *volume_row(const struct volume *v)
{
	json_t *row = json_object();
	auto_json labels = volume_labels(v);
	auto_free char *shown = labels_shown(labels);
	json_set_str(row, "Availability", "N/A");
	json_set_str(row, "Driver", v->driver);
	json_set_str(row, "Group", "N/A");
	json_set_str(row, "Labels", shown);
	if (labels)
		json_object_set(row, "Label", labels);
	json_set_str(row, "Links", "N/A");
	json_set_str(row, "Mountpoint", v->mountpoint);
	json_set_str(row, "Name", v->name);
	json_set_str(row, "Scope", "local");
	json_set_str(row, "Size", "N/A");
	json_set_str(row, "Status", "N/A");
	return row;
}
