#include "cmd/system_df.h"

#include <stddef.h>

const struct listing_column system_df_images[] = {{"Repository", "REPOSITORY"}, {"Tag", "TAG"},
	{"ID", "IMAGE ID"}, {"CreatedSince", "CREATED"}, {"Size", "SIZE"},
	{"SharedSize", "SHARED SIZE"}, {"UniqueSize", "UNIQUE SIZE"}, {"Containers", "CONTAINERS"},
	{0}};
const struct listing_column system_df_containers[] = {{"ID", "CONTAINER ID"}, {"Image", "IMAGE"},
	{"Command", "COMMAND"}, {"LocalVolumes", "LOCAL VOLUMES"}, {"Size", "SIZE"},
	{"RunningFor", "CREATED"}, {"Status", "STATUS"}, {"Names", "NAMES"}, {0}};
const struct listing_column system_df_volumes[] = {
	{"Name", "VOLUME NAME"}, {"Links", "LINKS"}, {"Size", "SIZE"}, {0}};
const struct listing_column system_df_cache[] = {{"ID", "CACHE ID"}, {"CacheType", "CACHE TYPE"},
	{"Size", "SIZE"}, {"CreatedSince", "CREATED"}, {"LastUsedSince", "LAST USED"},
	{"UsageCount", "USAGE"}, {"Shared", "SHARED"}, {0}};

/* Rows of methods, in the alphabet's order, in which {{json .}} prints them. */
#define TEXT(name)                                                                                 \
	{                                                                                          \
		name, NULL, &go_string                                                             \
	}
static const struct gofield image_fields[] = {TEXT("Containers"), TEXT("CreatedAt"),
	TEXT("CreatedSince"), TEXT("Digest"), TEXT("ID"), TEXT("Repository"), TEXT("SharedSize"),
	TEXT("Size"), TEXT("Tag"), TEXT("UniqueSize"), TEXT("VirtualSize"), {NULL, NULL, NULL}};
static const struct gofield container_fields[] = {TEXT("Command"), TEXT("CreatedAt"), TEXT("ID"),
	TEXT("Image"), TEXT("Labels"), TEXT("LocalVolumes"), TEXT("Mounts"), TEXT("Names"),
	TEXT("Networks"), TEXT("Ports"), TEXT("RunningFor"), TEXT("Size"), TEXT("State"),
	TEXT("Status"), {NULL, NULL, NULL}};
static const struct gofield volume_fields[] = {TEXT("Availability"), TEXT("Driver"), TEXT("Group"),
	TEXT("Labels"), TEXT("Links"), TEXT("Mountpoint"), TEXT("Name"), TEXT("Scope"),
	TEXT("Size"), TEXT("Status"), {NULL, NULL, NULL}};
static const struct gofield cache_fields[] = {TEXT("CacheType"), TEXT("CreatedAt"),
	TEXT("CreatedSince"), TEXT("Description"), TEXT("ID"), TEXT("InUse"), TEXT("LastUsedAt"),
	TEXT("LastUsedSince"), TEXT("Parent"), TEXT("Shared"), TEXT("Size"), TEXT("UsageCount"),
	{NULL, NULL, NULL}};

#define ROWS(v, type_name)                                                                         \
	static const struct gotype v##_row = {                                                     \
		.kind = GO_STRUCT, .flags = GO_METHODS, .name = type_name, .fields = v##_fields};  \
	static const struct gotype v##_rows = {                                                    \
		.kind = GO_SLICE, .name = "[]" type_name, .elem = &v##_row}
ROWS(image, "*formatter.imageContext");
ROWS(container, "*formatter.ContainerContext");
ROWS(volume, "*formatter.volumeContext");
ROWS(cache, "*formatter.buildCacheContext");

static const struct gofield df_fields[] = {{"Images", NULL, &image_rows},
	{"Containers", NULL, &container_rows}, {"Volumes", NULL, &volume_rows},
	{"BuildCache", NULL, &cache_rows}, {NULL, NULL, NULL}};
const struct gotype system_df_type = {
	.kind = GO_STRUCT, .name = "*formatter.diskUsageContext", .fields = df_fields};
