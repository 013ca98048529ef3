/* The groups: their members are the commands with a full name that starts with the group's. */
#include "cmd/cmd.h"

const struct cmd cmd_container = {.name = "container", .brief = "Manage containers"};
const struct cmd cmd_healthcheck = {.name = "healthcheck", .brief = "Manage health checks"};
const struct cmd cmd_image = {.name = "image", .brief = "Manage images"};
const struct cmd cmd_manifest = {
	.name = "manifest", .brief = "Manage image manifests and manifest lists"};
const struct cmd cmd_system = {.name = "system", .brief = "Manage moss"};
const struct cmd cmd_volume = {.name = "volume", .brief = "Manage volumes"};
